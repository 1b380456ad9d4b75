//! The contract: each test runs on both engines, on a database of its own.

mod commit;

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
    commit::an_event_its_effects_and_its_entry_are_there_together,
    commit::a_repeated_event_gets_the_first_answer_and_writes_nothing,
}
