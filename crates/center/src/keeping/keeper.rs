//! The task that writes calls down: the switch never waits for the store, the store never misses an end.

use super::{Placed, RunId, Stage, Update, books};
use crate::{completions::Completed, interactions::INTERACTION};
use audit::Outcome;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::Commit;
use tokio::{sync::mpsc, time::sleep};
use webhooks::Endpoint;
use wire::calls::CallRecord;

/// Most calls that are written at once.
const BATCH: usize = 256;
/// How long to wait after a first failure; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A call whose last state is not durable yet.
struct Owed {
    record: Arc<CallRecord>,
    placed: Option<Placed>,
    stage: Stage,
}

/// Calls that are to be written, by their serial numbers: an older call of the same id is never written after a newer one.
///
/// There are no more of them than the switch has calls.
#[derive(Default)]
struct Owing(BTreeMap<u64, Owed>);

/// Writes down what comes from the switch, the latest state of each call, until the switch is gone and all is written.
/// `report` is told the numbers of the calls whose end is durable; also that none is, so that the switch knows of the room.
/// What calls that ended owe to the `subscribers` is written with their ends.
pub(crate) async fn keep<S, E, W, F>(
    mut inbox: mpsc::Receiver<Update>,
    run: RunId,
    subscribers: S,
    write: W,
    report: impl Fn(Vec<u64>) + Send,
) where
    S: Fn() -> E + Send,
    E: Future<Output = Result<Arc<Vec<Endpoint>>, Arc<store::Error>>> + Send,
    W: Fn(Commit) -> F + Send,
    F: Future<Output = Result<(), store::Error>> + Send,
{
    let mut owing = Owing::default();
    let mut failures = 0;
    loop {
        if owing.0.is_empty() {
            match inbox.recv().await {
                Some(update) => owing.add(update),
                None => return,
            }
        }
        while let Ok(update) = inbox.try_recv() {
            owing.add(update);
        }
        let written = async {
            let endpoints = subscribers().await?;
            let batch = Completed::per_commit(&endpoints, BATCH);
            write(owing.commit(&run, &endpoints, batch)).await?;
            Ok::<_, Arc<store::Error>>(batch)
        };
        match written.await {
            Ok(batch) => {
                if failures > 0 {
                    tracing::info!(calls = owing.0.len(), "calls can be written down again");
                }
                failures = 0;
                report(owing.settle(batch));
            }
            Err(error) => {
                let wait = (FIRST_WAIT * 2_u32.saturating_pow(failures)).min(LONGEST_WAIT);
                failures += 1;
                tracing::error!(%error, calls = owing.0.len(), ?wait, "calls can't be written down; trying again");
                sleep(wait).await;
            }
        }
    }
}

impl Owing {
    fn add(&mut self, update: Update) {
        let Update {
            serial,
            record,
            placed,
            stage,
        } = update;
        let before = self.0.remove(&serial).and_then(|owed| owed.placed);
        let owed = Owed {
            record,
            placed: placed.or(before),
            stage,
        };
        self.0.insert(serial, owed);
    }

    /// The oldest calls. Of two with the same id the newer is the one that is kept, but both are noted.
    fn commit(&self, run: &RunId, endpoints: &[Endpoint], batch: usize) -> Commit {
        let mut by_id = BTreeMap::new();
        let mut commit = Commit::default();
        for owed in self.0.values().take(batch) {
            let record = owed.record.as_ref();
            by_id.insert(&record.id, owed);
            if let Some(placed) = &owed.placed {
                let entry = books::placed(record, placed.correlation.clone());
                commit.audit.push(entry);
            }
            if let Stage::Ended(completed) = &owed.stage {
                let entry = books::ended(record, books::end_of(record), Outcome::Success);
                commit.audit.push(entry);
                note_completed(&mut commit, completed.as_deref(), endpoints);
            }
        }
        for (id, owed) in by_id {
            let live = match &owed.stage {
                Stage::Live(foreseen) => Some(foreseen.as_ref()),
                Stage::Ended(_) => None,
            };
            commit.records.push(books::put_call(&owed.record));
            commit.records.push(books::put_live(run, id, live));
        }
        commit
    }

    /// The batch is durable: who waits for a placed call is told; gives the calls that ended.
    fn settle(&mut self, batch: usize) -> Vec<u64> {
        let mut ended = Vec::new();
        for _ in 0..batch {
            let Some((serial, owed)) = self.0.pop_first() else {
                break;
            };
            if let Some(durable) = owed.placed.and_then(|placed| placed.durable) {
                // Whoever placed it may have gone meanwhile.
                let _ = durable.send(());
            }
            ended.extend(matches!(owed.stage, Stage::Ended(_)).then_some(serial));
        }
        ended
    }
}

fn note_completed(commit: &mut Commit, completed: Option<&Completed>, endpoints: &[Endpoint]) {
    if let Some(completed) = completed {
        commit.records.push(completed.interaction.put(INTERACTION));
        completed.announce(commit, endpoints, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::oneshot;
    use wire::calls::CallState;

    fn record(id: &str, state: CallState) -> Arc<CallRecord> {
        let text = format!(
            r#"{{"id":"{id}","ani":"+1555","dnis":"+1800","externalId":"CRM-1","state":"ringing",
                "placedAt":"2026-11-21T09:00:00Z","timeline":[]}}"#
        );
        let record: CallRecord = serde_json::from_str(&text).unwrap();
        Arc::new(CallRecord { state, ..record })
    }

    fn placed(serial: u64, id: &str) -> (Update, oneshot::Receiver<()>) {
        let (durable, told) = oneshot::channel();
        let placed = Placed {
            correlation: Some("order-7".parse().unwrap()),
            durable: Some(durable),
        };
        let update = Update {
            serial,
            record: record(id, CallState::Ringing),
            placed: Some(placed),
            stage: Stage::Live(Arc::default()),
        };
        (update, told)
    }

    fn ended(serial: u64, id: &str) -> Update {
        Update {
            serial,
            record: record(id, CallState::Ended),
            placed: None,
            stage: Stage::Ended(None),
        }
    }

    async fn nobody() -> Result<Arc<Vec<Endpoint>>, Arc<store::Error>> {
        Ok(Arc::default())
    }

    fn actions(commit: &Commit) -> Vec<(&str, &str)> {
        let entries = commit.audit.iter();
        entries
            .map(|entry| (entry.action.as_str(), entry.subject.as_deref().unwrap()))
            .collect()
    }

    fn bodies(commit: &Commit) -> Vec<(&str, &str, bool)> {
        let puts = commit.records.iter();
        puts.map(|put| (put.kind.as_str(), put.id.as_str(), put.body.is_some()))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_is_asked_again_and_gets_the_latest_state() {
        let (sender, inbox) = mpsc::channel(16);
        let (commits, reports) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let (update, mut told) = placed(1, "c");
        sender.send(update).await.unwrap();
        let failing = |commit: Commit| {
            let mut commits = commits.lock().unwrap();
            commits.push(commit);
            let first = commits.len();
            if first == 3 {
                sender.try_send(ended(1, "c")).unwrap();
            }
            async move {
                match first {
                    ..6 => Err(store::Error::Full),
                    _ => Ok(()),
                }
            }
        };
        let keeping = keep(inbox, "r".into(), nobody, failing, |kept| {
            reports.lock().unwrap().push(kept)
        });
        // It would go on as long as somebody could send.
        let _ = tokio::time::timeout(Duration::from_secs(60), keeping).await;
        told.try_recv().unwrap();
        assert_eq!(*reports.lock().unwrap(), [vec![1]]);
        let commits = commits.into_inner().unwrap();
        assert_eq!(commits.len(), 6);
        assert_eq!(actions(&commits[0]), [("call.placed", "c")]);
        assert_eq!(
            bodies(&commits[0]),
            [("call", "c", true), ("live-call:r", "c", true)]
        );
        assert_eq!(actions(&commits[5]), [("call.placed", "c"), ("call.ended", "c")]);
        assert_eq!(
            bodies(&commits[5]),
            [("call", "c", true), ("live-call:r", "c", false)]
        );
        assert_eq!(commits[5].audit[0].correlation, Some("order-7".parse().unwrap()));
        let personal: Vec<&str> = commits[5].audit[0]
            .personal
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(personal, ["ani", "dnis", "externalId"]);
    }

    #[tokio::test]
    async fn of_two_calls_with_one_id_the_newer_is_kept_and_both_are_noted() {
        let (sender, inbox) = mpsc::channel(16);
        for update in [ended(1, "c"), placed(2, "c").0] {
            sender.send(update).await.unwrap();
        }
        drop(sender);
        let commits = Mutex::new(Vec::new());
        let write = |commit| {
            commits.lock().unwrap().push(commit);
            async { Ok(()) }
        };
        keep(inbox, "r".into(), nobody, write, |_| ()).await;
        let commits = commits.into_inner().unwrap();
        assert_eq!(commits.len(), 1);
        assert_eq!(actions(&commits[0]), [("call.ended", "c"), ("call.placed", "c")]);
        assert!(commits[0].records[0].body.as_ref().unwrap().contains("ringing"));
        assert_eq!(
            bodies(&commits[0]),
            [("call", "c", true), ("live-call:r", "c", true)]
        );
    }

    #[test]
    fn a_completion_is_the_same_event_however_often_it_is_written() {
        let interaction = r#"{"id":"int-1","agentId":"agent-1","completedAt":"2026-11-21T09:30:00Z"}"#;
        let completed = Completed::new(serde_json::from_str(interaction).unwrap());
        let mut owing = Owing::default();
        owing.add(Update {
            stage: Stage::Ended(Some(Arc::new(completed))),
            ..ended(1, "c")
        });
        let written = || owing.commit(&"r".into(), &[], BATCH);
        let (first, again) = (written(), written());
        assert_eq!(first.audit, again.audit);
        assert_eq!(
            actions(&first),
            [("call.ended", "c"), ("interaction.completed", "int-1")]
        );
        assert_eq!(
            bodies(&first),
            [
                ("interaction", "int-1", true),
                ("call", "c", true),
                ("live-call:r", "c", false)
            ]
        );
    }

    #[tokio::test]
    async fn many_calls_are_written_in_batches() {
        let (sender, inbox) = mpsc::channel(1000);
        for serial in 0..600 {
            sender.send(ended(serial, &format!("c-{serial}"))).await.unwrap();
        }
        drop(sender);
        let reports = Mutex::new(Vec::new());
        let report = |kept: Vec<u64>| reports.lock().unwrap().push(kept.len());
        keep(inbox, "r".into(), nobody, |_| async { Ok(()) }, report).await;
        assert_eq!(*reports.lock().unwrap(), [256, 256, 88]);
    }
}
