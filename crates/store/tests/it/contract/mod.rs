//! The contract: each test runs on both engines, on a database of its own.

mod audit;
mod claims;
mod commit;
mod housekeeping;
mod order;
mod proof;
mod records;
mod terms;
mod time;
mod work;

use crate::database::Database;

/// A list of tests becomes a module of tests per engine. A test that is not in the list is dead code, which does not build.
macro_rules! contract {
    ($($module:ident::$name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let database = super::Database::sqlite().await.unwrap();
                super::$module::$name(&database).await;
            })*
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                match super::Database::postgres().await {
                    Some(database) => super::$module::$name(&database).await,
                    None => println!("skipped: TRUNKLINE_TEST_POSTGRES names no PostgreSQL"),
                }
            })*
        }
    };
}

contract! {
    proof::a_log_that_nobody_touched_holds_however_it_grows,
    proof::a_log_holds_while_it_grows,
    proof::a_log_holds_while_retention_drops_texts,
    proof::texts_that_retention_dropped_are_told_from_removed_ones,
    proof::an_entry_is_proven_to_somebody_without_the_log,
    proof::a_log_that_is_shorter_than_what_was_signed_is_found_and_not_signed,
    proof::checkpoints_of_strangers_do_not_count_and_forged_ones_are_told,
    audit::entries_of_many_at_once_are_in_one_order_without_gaps,
    audit::the_log_goes_on_after_a_restart,
    audit::entries_are_found_by_what_they_say,
    audit::a_person_can_be_erased_and_the_log_stays_valid,
    audit::old_entries_lose_their_text_and_keep_their_hash,
    audit::signed_checkpoints_are_kept_by_size,
    claims::work_is_claimed_when_it_is_due_and_oldest_first,
    claims::a_claim_says_what_is_to_be_done,
    claims::a_claim_is_finished_once,
    claims::failures_are_counted_and_releases_are_not,
    claims::a_worker_that_lost_its_work_can_not_finish_it,
    claims::a_worker_that_was_thought_gone_works_on,
    claims::work_of_a_process_that_is_gone_is_resumed_within_two_seconds,
    claims::whoever_leaves_gives_its_work_back_at_once,
    claims::no_two_workers_get_the_same_item,
    claims::a_hint_is_not_lost_while_nobody_waits,
    commit::an_event_its_effects_and_its_entry_are_there_together,
    commit::a_repeated_event_gets_the_first_answer_and_writes_nothing,
    commit::a_thousand_same_events_at_once_are_accepted_once,
    commit::an_effect_is_owed_once_whoever_commits_it,
    commit::a_check_that_fails_writes_nothing,
    commit::the_first_check_that_fails_decides_the_answer,
    commit::what_is_too_large_is_refused_by_name,
    commit::text_comes_back_as_it_was,
    commit::commits_of_many_at_once_are_all_there,
    housekeeping::items_are_listed_newest_first_by_what_they_are,
    housekeeping::a_replay_makes_the_dead_ready_and_leaves_the_rest_alone,
    housekeeping::a_long_list_is_replayed_as_a_whole,
    housekeeping::a_purge_removes_what_is_old_and_done,
    housekeeping::a_closed_store_refuses_and_has_kept_everything,
    order::the_next_of_a_subject_waits_for_the_one_before,
    order::items_of_one_commit_are_in_order_too,
    order::a_head_that_backs_off_holds_its_subject_back,
    order::a_dead_head_lets_the_next_go,
    order::a_replayed_item_goes_behind_what_is_unfinished,
    order::several_replayed_items_of_a_subject_keep_their_order,
    order::queues_do_not_wait_for_each_other,
    order::a_subject_committed_to_from_many_sides_never_stalls,
    records::a_record_has_a_version_that_grows,
    records::a_record_can_be_removed,
    records::records_are_listed_last_written_first,
    records::of_many_who_change_a_record_at_once_one_wins,
    records::a_new_record_is_made_once_of_many_at_once,
    records::a_checkpoint_moves_on_by_compare_and_set,
    records::a_lease_has_one_holder,
    records::a_lease_that_is_given_back_is_free_at_once,
    records::of_many_who_want_a_lease_at_once_one_gets_it,
    terms::records_are_found_by_a_term_in_the_order_of_their_places,
    terms::many_records_are_read_by_one_question,
    terms::records_are_found_page_by_page,
    terms::terms_that_are_given_replace_those_before,
    terms::a_record_that_is_removed_is_not_found,
    terms::a_record_that_is_not_there_gets_no_terms,
    terms::a_commit_that_is_refused_leaves_the_terms_as_they_are,
    terms::terms_that_many_give_a_record_at_once_are_those_of_one,
    terms::names_and_terms_of_the_greatest_length_are_found,
    terms::old_records_of_a_kind_are_purged_with_their_terms,
    terms::a_long_list_of_records_is_purged_as_a_whole,
    time::retries_and_leases_go_on_when_the_clock_is_set_back,
    time::retries_and_leases_go_on_when_the_clock_is_set_back_at_a_restart,
    time::a_process_whose_clock_is_behind_follows_the_others,
    work::so_many_are_worked_on_at_once_and_not_more,
    work::work_that_a_clone_commits_is_begun_before_the_next_poll,
    work::work_of_another_process_is_found_by_the_next_poll,
    work::a_loop_that_is_stopped_ends_what_it_began_and_begins_nothing_more,
    work::what_was_claimed_too_late_is_free_at_once,
    work::work_that_panics_gives_its_place_to_the_next,
    work::a_loop_stops_though_the_store_fails,
}
