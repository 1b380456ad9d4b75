//! Calls are kept in the store: what the switch hands over, the task that writes it, and what a killed center left behind.
//!
//! A call is a record of kind `call`, its [`CallRecord`] as JSON. While it lives, an index of the center's own
//! ([`Run`]) names it too, so that the next center on the same folder finds the calls that were broken off.

mod books;
mod broken_off;
mod keeper;
mod runs;

pub(crate) use books::{CALL, find, interaction_of, recent};

use crate::{
    StartError,
    completions::{Audience, Completed},
};
use runs::{Run, RunId};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};
use store::{Location, Store};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use wire::{
    calls::CallRecord,
    form::Response,
    ids::{AgentId, CorrelationId},
};

/// Most updates that wait for the keeper; the switch holds further ones.
const QUEUE: usize = 4096;

/// How a call stands now, to be written down.
#[derive(Debug)]
pub(crate) struct Update {
    /// The line's number: of two calls with the same id, the newer has the larger.
    pub(crate) serial: u64,
    pub(crate) record: Arc<CallRecord>,
    /// With the first update of a call.
    pub(crate) placed: Option<Placed>,
    pub(crate) stage: Stage,
}

/// Whether a call is over.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// It is not; this is kept with it, should the center not live to see its end.
    Live(Arc<Foreseen>),
    /// It is, and this is the interaction that it was, unless nobody answered it.
    Ended(Option<Arc<Completed>>),
}

/// What is known beforehand of the interaction that a call will have been.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Foreseen {
    /// The agent; one of the tenant's by turns when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_id: Option<AgentId>,
    /// What the customer will answer; no form when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) responses: Option<Vec<Response>>,
}

/// How a call came to be.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    /// The request that placed it.
    pub(crate) correlation: Option<CorrelationId>,
    /// Told when the call is durable.
    pub(crate) durable: Option<oneshot::Sender<()>>,
}

/// The store, this center's run and who is told of completions, until the keeper has its inbox.
pub(crate) struct Opened {
    store: Store,
    /// The store is nobody else's: it is closed with the center.
    own: bool,
    audience: Audience,
    run: Run,
    inbox: mpsc::Receiver<Update>,
}

/// The books of a running center: somebody writes.
pub(crate) struct Books {
    /// The store, if it is to be closed with the center.
    own: Option<Store>,
    keeper: JoinHandle<Run>,
}

impl Books {
    /// Closes the calls that killed centers of this folder left behind. Gives the way to the keeper, too. An `own` store is
    /// closed with the center.
    pub(crate) async fn open(
        store: Store,
        own: bool,
        audience: Audience,
        data_dir: &Path,
        recordings: &Path,
    ) -> Result<(Opened, mpsc::Sender<Update>), StartError> {
        let folder = |source| StartError::DataDir {
            path: data_dir.to_owned(),
            source,
        };
        for dead in Run::dead(data_dir).map_err(folder)? {
            let calls = broken_off::close_broken_off(&store, &dead, recordings, &audience).await?;
            if calls > 0 {
                tracing::warn!(
                    calls,
                    "calls were broken off when a center was killed; they are closed now"
                );
            }
            dead.end();
        }
        let run = Run::begin(data_dir).map_err(folder)?;
        let (keeper, inbox) = mpsc::channel(QUEUE);
        let opened = Opened {
            store,
            own,
            audience,
            run,
            inbox,
        };
        Ok((opened, keeper))
    }

    /// Stops writing; `kept` says that all is written.
    pub(crate) async fn close(self, kept: bool) {
        if !kept {
            // The run stays as it is: the next start closes what is open.
            self.keeper.abort();
        } else if let Ok(run) = self.keeper.await {
            run.end();
        }
        if let Some(store) = self.own {
            store.close().await;
        }
    }
}

/// Whether no other center runs on the data folder, as far as can be seen.
pub(crate) fn is_alone(data_dir: &Path) -> bool {
    Run::is_any_alive(data_dir).is_ok_and(|others| !others)
}

/// The store of the data folder, for a center that is given none.
pub(crate) async fn own_store(data_dir: &Path) -> Result<Store, store::Error> {
    Store::open(&Location::Sqlite(data_dir.join("trunkline.db"))).await
}

impl Opened {
    /// Begins to write. `report` is told which lines of the switch are durable.
    pub(crate) fn keep(self, report: impl Fn(Vec<u64>) + Send + 'static) -> Books {
        let Self {
            store,
            own,
            audience,
            run,
            inbox,
        } = self;
        let own = own.then(|| store.clone());
        let keeper = tokio::spawn(async move {
            let write = |commit| {
                let store = store.clone();
                async move { store.commit(commit).await.map(drop) }
            };
            let subscribers = || audience.subscribers.current();
            keeper::keep(inbox, run.id.clone(), subscribers, write, report).await;
            run
        });
        Books { own, keeper }
    }
}
