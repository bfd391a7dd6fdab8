// Made by `patchbed ci jenkins`: put it into Jenkinsfile
//
// To decide on what it found: get record.json, `patchbed merge record.json`, `patchbed review`, and commit `snapshots/`.
// Sandboxes need user namespaces: agents run on a machine of their own, or in containers with --privileged. Images and
// layers stay in the cache folder of the agent's user. The results are published with the plug-in JUnit.
// Exit codes: 1 a patch makes something worse, 3 something changed that nobody has looked at (unstable), 5 undecided,
// 6 ill without the patch, 75 the machine's fault (tried three times), 77 this agent cannot make sandboxes.
pipeline {
    agent none
    environment {
        // The one line to edit: a path to the program on the agents, or the address of its repository, ending in .git
        PATCHBED_FROM = '@FROM@'
        CI = 'true'
    }
    stages {
        stage('plan') {
            agent any
            steps {
                sh '''
                    @PLAN@
                '''
                stash name: 'patchbed-plan', includes: 'patchbed-ci/patchbed,patchbed-ci/plan.json'
            }
        }
        stage('run') {
            matrix {
                agent any
                axes {
                    axis {
                        name 'PART'
                        values @QUOTED@
                    }
                }
                environment {
                    TRIES = '3'
                }
                stages {
                    stage('part') {
                        steps {
                            sh 'rm -rf patchbed-ci'
                            unstash 'patchbed-plan'
                            // A part that fails must not hide the others: what it leaves undone is undecided.
                            catchError(buildResult: 'FAILURE', stageResult: 'FAILURE') {
                                sh '''
                                    @PART@
                                '''
                            }
                            stash name: "patchbed-part-${env.PART}", includes: 'patchbed-ci/results/*.json', allowEmpty: true
                        }
                    }
                }
            }
        }
        stage('judge') {
            agent any
            steps {
                sh 'rm -rf patchbed-ci'
                unstash 'patchbed-plan'
                script {
                    for (part in [@QUOTED@]) {
                        unstash "patchbed-part-${part}"
                    }
                    def code = sh returnStatus: true, script: '''
                        @MERGE@
                        exit "$code"
                    '''
                    if (code == 3) {
                        unstable 'something changed that nobody has looked at'
                    } else if (code != 0) {
                        error "patchbed ended with ${code}"
                    }
                }
            }
            post {
                always {
                    junit testResults: 'patchbed-ci/junit.xml', allowEmptyResults: true
                    archiveArtifacts artifacts: 'patchbed-ci/report.html,patchbed-ci/record.json', allowEmptyArchive: true
                }
            }
        }
    }
}
