//! Scenario tests: each `tests/scenarios/*.txt` is a test; its answers are recorded beside it in `.out`.
//!
//! A script runs against all roles in one process, with an embedded bus and store and simulated tenants. `UPDATE_EXPECT=1` records the
//! answers again. `tests/scenarios/field` holds the cases of `docs/field-cases.md`, by number.
//!
//! `answer` scripts the answers of a tenant, as real tenants, gateways and hostile servers give them:
//!
//! ```text
//! answer hub POST /invitations 403 Authorization_RequestDenied "Insufficient privileges." for emea/ana
//! answer hub PATCH /users/* 429 TooManyRequests header Retry-After=2 times 3
//! answer emea GET /users/delta with /@odata.nextLink= without /value/*/mail repeat /value after 2
//! answer emea GET /users/delta end
//! answer end
//! ```
//!
//! METHOD (or `any`) and PATH name the requests (`*` within a segment, `**` beyond), alone and within a `$batch`. A status with Graph's code
//! and message refuses; `with`, `without`, `repeat` and `move` change the genuine answer at a JSON pointer. `for` names a user of the
//! script or a text that the request holds, `after` how many pass before, `times` how often. In values `'` stands for `"`, and
//! `{tenant/name}` for an id, `{tenant}` for a directory id and `{TENANT}` for that in capitals. `end` ends it, and fails where no request
//! met it.
//!
//! `apply` takes `scope=A,B` or `everyone`, `where=` (a filter), `grace=`, `create=` and `delete=` (the limits), `rehire=`, `nulls=` and mappings:
//! `name=value` is a constant, `name:=value` one as YAML reads it, and `name==value` an expression. In expressions and filters `'` stands for `"`.
//! `name=<attribute` maps a source attribute. `extension TENANT NAME TYPE` registers a directory extension of users, with `many` one of several
//! values; `extension_app_NAME` is its whole name. A value in brackets, `[a,b]`, is a list, and `=7` a number.
//! `secret expired` makes all tenants refuse the secret of the reader and the writer as expired (`secret expired writer`: of one), and
//! `secret renewed` replaces it there and in the secret files. `expire-tokens` ends the access tokens issued so far. `blocked ROLE TENANT`
//! gives the code of what keeps a role from working on a tenant. `resync TENANT` reads it from the beginning, without waiting for a retry.
//! Of a user or group that the script makes twice, `name before` is the former one.
//! `refused a -> b …` is an `apply` that must be refused, and tells why. A shadow user is named by its home: `set hub emea/ana …`.
//! `rename emea europe` renames a tenant, and `file-name emea europe` says how files name it; scripts name it as before.
#![cfg(test)]

mod answer;
mod put_directory;
mod script;
mod settings;
mod show;
mod synchronization;
mod world;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::world::World;

macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident => $file:literal),* $(,)?) => {
        $(
            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                play($file).await.unwrap();
            }
        )*

        #[test]
        fn every_script_is_a_test() {
            let mut scripts = scripts();
            scripts.sort();
            let mut played = vec![$(concat!($file, ".txt").to_owned()),*];
            played.sort();
            assert_eq!(scripts, played);
        }
    };
}

scenarios! {
    two_users_with_one_address_conflict_until_one_is_corrected => "address-taken",
    withdrawn_consent_stops_every_write_and_removes_no_user => "consent-withdrawn",
    the_disabled_the_external_and_the_unreachable_are_not_created => "disabled-never-provisioned",
    a_user_joins_moves_is_disabled_leaves_and_returns => "joiner-mover-leaver",
    a_changed_mapping_writes_only_the_difference => "mapping-change",
    extensions_of_one_value_and_of_several_travel_and_are_cleared => "extensions",
    an_expression_is_evaluated_for_each_user_and_again_when_it_changes => "expression",
    a_filter_moves_users_in_and_out => "filter",
    a_bad_expression_or_filter_is_refused_with_its_place => "bad-expression",
    a_value_that_does_not_fit_leaves_one_attribute_as_it_is => "invalid-value",
    an_attribute_is_cleared_or_kept_as_the_synchronization_says => "nulls",
    nested_groups_count_only_where_asked => "nested",
    a_renamed_tenant_keeps_its_links => "tenant-renamed",
    a_former_scope_is_in_force_again_once_resolved => "field/k-30-former-scope",
    a_mistyped_group_is_pending_and_leavers_still_lose_access => "field/k-30-mistyped-group",
    a_recreated_scope_group_gives_a_notice_and_is_used_after_repin => "field/k-32-group-recreated",
    a_change_between_groups_in_scope_writes_nothing => "returns-within-grace-period",
    a_deleted_scope_group_removes_no_user => "scope-group-gone",
    the_last_entry_of_a_member_in_one_answer_wins => "field/k-01-member-twice-in-one-answer",
    an_initial_cycle_that_lists_removed_objects_creates_nothing => "field/k-03-initial-cycle-lists-removed-objects",
    a_soft_deletion_and_a_restoration_need_no_group_delta => "field/k-04-soft-deletion-is-no-change-of-the-group",
    an_empty_link_is_no_link => "field/k-08-empty-link",
    a_rehire_with_a_new_account_is_created_at_once => "field/k-21-rehire-with-a-new-account",
    a_rehire_is_restored_where_that_is_asked_for_and_the_former_account_is_deleted => "field/k-21-rehire-restored",
    a_rehire_that_an_administrator_confirms_is_restored_and_redeems_anew => "field/k-21-rehire-confirmed",
    a_mail_of_another_domain_is_not_invited => "field/k-25-mail-of-another-domain",
    unusual_letters_arrive_as_written => "field/k-15-unusual-letters",
    a_target_that_trims_is_not_written_again_and_again => "field/k-18-target-that-trims",
    addresses_that_differ_in_case_are_one => "field/k-29-addresses-that-differ-in-case",
    cyclic_groups_count_each_user_once => "field/k-34-groups-within-themselves",
    a_group_emptied_one_by_one_meets_the_limit_by_the_hour => "field/k-36-group-emptied-one-by-one",
    names_and_constants_are_text_as_written => "field/k-37-names-that-yaml-takes-for-something-else",
    mutual_synchronizations_create_no_shadow_of_a_shadow => "field/k-40-all-tenants-with-each-other",
    a_partner_whose_id_is_spelled_in_capitals_is_the_same_partner => "field/k-53-partner-id-in-capitals",
    a_partner_that_inherits_a_no_is_not_written_to => "field/k-54-partner-that-inherits-no",
    a_partner_that_is_deleted_stops_every_write => "field/k-56-partner-that-is-deleted",
    a_forbidden_joiner_blocks_neither_movers_nor_leavers => "field/k-11-forbidden-joiner",
    when_invitations_are_forbidden_joiners_wait_and_leavers_proceed => "field/k-11-invitations-forbidden",
    a_refused_link_is_retried_by_command => "field/k-13-refused-then-allowed",
    each_kind_of_refusal_has_a_code => "field/k-14-refusals",
    an_expired_secret_is_named_and_no_leaver_is_lost => "field/k-67-secret-expires",
    a_pending_user_with_a_differing_address_is_counted => "field/k-23-address-differs",
}

async fn play(name: &str) -> Result<()> {
    let script = folder().join(format!("{name}.txt"));
    let text = fs::read_to_string(&script).with_context(|| script.display().to_string())?;
    let commands = script::parse(&text).with_context(|| script.display().to_string())?;
    let mut world = World::new();
    let mut answers = String::new();
    for (line, command) in commands {
        let answer = world.perform(&command).await.with_context(|| format!("{name}.txt:{line}"))?;
        if !answer.is_empty() {
            answers.push_str(&script::shortened(&format!("> {}\n{answer}\n", command.words())));
        }
    }
    world.stop().await?;
    expect_test::expect_file![folder().join(format!("{name}.out"))].assert_eq(&answers);
    Ok(())
}

/// The names of all scripts, those of sub-folders with the folder.
fn scripts() -> Vec<String> {
    let (mut scripts, mut folders) = (Vec::new(), vec![folder()]);
    while let Some(open) = folders.pop() {
        for path in fs::read_dir(open).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                scripts.push(path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    scripts
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}
