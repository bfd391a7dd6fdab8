//! Changes, image sources and probes on real sandboxes. What the host lacks is said and skipped, unless
//! `PATCHBED_MUST` names it (`userns`, `overlay`, `debian`, `archive`).

mod bench;
mod changes;
mod debs;
mod images;
mod imports;
mod jobs;
mod laws;
mod npms;
mod package;
mod pips;
mod probes;
mod reverts;
mod wheel;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::bench::trial;

fn main() -> ExitCode {
    patchbed_sandbox::faces_with(std::env::args_os(), patchbed_kinds::image::TASKS);
    let arguments = Arguments::from_args();
    let mut tests: Vec<Trial> = vec![
        trial!(images::a_debian_image_is_made_once),
        trial!(images::a_folder_is_imported_by_content),
        trial!(images::a_folder_that_is_no_root_is_refused),
        trial!(images::a_tarball_becomes_an_image),
        trial!(images::a_tarball_with_the_wrong_digest_is_refused),
        trial!(images::a_hostile_tarball_leaves_nothing),
        trial!(images::the_host_is_an_image_without_its_secrets),
        trial!(images::a_layer_on_the_host_does_not_hide_what_was_edited_since),
        trial!(images::installed_changes_become_layers_that_are_reused),
        trial!(images::two_at_once_make_one_image),
        trial!(images::a_damaged_entry_is_not_used),
        trial!(images::a_copy_is_used_once_it_is_adopted),
        trial!(images::what_is_held_is_not_removed),
        trial!(images::a_full_store_loses_what_was_used_longest_ago),
        trial!(changes::a_command_runs_and_is_taken_back),
        trial!(changes::a_failing_command_says_its_last_line),
        trial!(changes::a_command_that_does_not_end_is_stopped),
        trial!(changes::removed_trees_come_back_exactly),
        trial!(changes::a_removal_that_finds_nothing_is_refused),
        trial!(changes::nothing_is_copied_when_there_is_no_way_back),
        trial!(changes::written_files_go_away_again),
        trial!(changes::a_folder_is_laid_over_and_taken_back),
        trial!(changes::a_tarball_is_laid_over_with_its_owners),
        trial!(changes::a_diff_is_applied_and_taken_back),
        trial!(changes::a_hunk_that_does_not_fit_writes_nothing),
        trial!(laws::apply_then_revert_restores_everything),
        trial!(debs::a_package_is_updated_and_taken_back),
        trial!(debs::two_changes_in_one_transaction_may_need_each_other),
        trial!(debs::what_an_update_drops_is_told_and_what_its_script_removes_is_not),
        trial!(debs::an_edited_configuration_file_is_kept_and_comes_back),
        trial!(debs::bytes_that_were_never_installed_are_no_earlier_version),
        trial!(debs::an_earlier_version_that_was_lost_is_looked_for_again),
        trial!(debs::what_apt_removes_comes_back),
        trial!(debs::a_failing_script_is_told_with_its_last_line),
        trial!(debs::a_hanging_script_is_stopped),
        trial!(debs::a_script_that_kills_dpkg_is_told),
        trial!(debs::a_question_gets_no_answer),
        trial!(debs::a_missing_dependency_is_named),
        trial!(debs::a_folder_of_packages_resolves_dependencies),
        trial!(debs::a_downgrade_and_the_same_version_are_said),
        trial!(debs::files_that_are_no_packages_are_refused),
        trial!(debs::packages_come_from_the_images_own_sources),
        trial!(pips::a_wheel_in_a_venv_is_updated_and_taken_back),
        trial!(pips::the_systems_own_python_is_changed_and_taken_back),
        trial!(pips::the_same_version_brings_its_own_bytes),
        trial!(pips::a_missing_dependency_is_named_by_pip),
        trial!(pips::a_source_distribution_is_built),
        trial!(pips::a_venv_without_pip_is_refused),
        trial!(pips::folders_that_do_not_fit_are_refused),
        trial!(npms::tarballs_replace_packages_where_there_is_no_npm),
        trial!(npms::npm_resolves_from_the_folder_and_is_taken_back),
        trial!(npms::a_missing_dependency_is_named_by_npm),
        trial!(npms::folders_that_do_not_fit_are_refused),
    ];
    tests.extend(imports::trials());
    tests.extend(jobs::trials());
    tests.extend(probes::trials());
    tests.extend(reverts::trials());
    libtest_mimic::run(&arguments, tests).exit_code()
}
