#!/usr/bin/env python3
"""Parses every shell script in pipelines of YAML, and the structure of Jenkinsfiles."""
import pathlib
import re
import subprocess
import sys

from ruamel.yaml import YAML

# The fields that hold shell scripts.
SCRIPTS = {"run", "bash", "script", "command"}
# The sections that a declarative pipeline must have, in this order.
SECTIONS = ["pipeline {", "agent none", "environment {", "stages {", "stage('plan')", "stage('run')", "matrix {",
            "axes {", "axis {", "stage('part')", "stage('judge')", "post {"]


def of_yaml(value):
    """All scripts below a value."""
    if isinstance(value, dict):
        for key, field in value.items():
            if key in SCRIPTS and isinstance(field, str):
                yield field
            elif key in SCRIPTS and isinstance(field, list):
                yield from field
            else:
                yield from of_yaml(field)
    elif isinstance(value, list):
        for item in value:
            yield from of_yaml(item)


def of_jenkins(text):
    """All scripts of a Jenkinsfile, whose brackets and sections are looked at."""
    outside = re.sub(r"'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"|//[^\n]*", "", text, flags=re.S)
    opened = []
    for bracket in re.findall(r"[][(){}]", outside):
        if bracket in "({[":
            opened.append(bracket)
        elif not opened or opened.pop() + bracket not in ("()", "{}", "[]"):
            sys.exit("pipelines: brackets of the Jenkinsfile do not fit")
    if opened:
        sys.exit("pipelines: a bracket of the Jenkinsfile is left open")
    places = [text.find(section) for section in SECTIONS]
    if -1 in places or places != sorted(places):
        sys.exit("pipelines: the Jenkinsfile lacks a section, or has it elsewhere")
    scripts = re.findall(r"'''(.*?)'''", text, flags=re.S)
    if any("\\" in script for script in scripts):
        sys.exit("pipelines: Groovy would read the backslash of a script")
    return scripts


def main():
    for path in map(pathlib.Path, sys.argv[1:]):
        text = path.read_text()
        scripts = list(of_jenkins(text) if path.name == "Jenkinsfile" else of_yaml(YAML(typ="safe").load(text)))
        if len(scripts) < 3:
            sys.exit(f"pipelines: {path.name} has no scripts")
        for script in scripts:
            # Buildkite reads two dollar signs as one that it leaves to the shell.
            script = script.replace("$$", "$") if path.name == "buildkite.yml" else script
            for shell in ["sh", "bash"]:
                if subprocess.run([shell, "-n"], input=script, text=True).returncode:
                    sys.exit(f"pipelines: {shell} cannot read a script of {path.name}")


main()
