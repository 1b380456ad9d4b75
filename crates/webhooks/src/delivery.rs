//! Carrying deliveries out: one runner per endpoint, so that a slow one holds up nobody else, and a few for callbacks.

mod attempt;
mod callbacks;
mod outcome;
mod runner;

use crate::{
    endpoint::{Endpoint, EndpointId},
    endpoints::Endpoints,
};
use callbacks::Lane;
use client::Http;
use flow::delivery::Schedule;
use runner::Runner;
use std::{collections::HashMap, sync::Arc, time::Duration};
use store::{Store, Worker};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;

/// How often endpoints are read anew: an enabled one starts, a disabled one stops, and a rotated secret signs within this.
const REFRESH: Duration = Duration::from_secs(1);
/// How often what is owed to removed endpoints is looked for.
const BURY_EVERY: Duration = Duration::from_secs(30);
/// The longest time-out of a delivery. The store holds claimed work for a minute, in which the outcome must be committed too.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a shutdown waits for deliveries under way, beyond their time-out.
const DRAIN: Duration = Duration::from_secs(5);

/// How deliveries are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// When to try again.
    pub schedule: Schedule,
    /// How long one attempt may take, from the connection to the head of the answer; at most 30 s.
    pub timeout: Duration,
    /// An endpoint that this process is itself: what is owed to it comes here, whichever process wrote its address last.
    pub here: Option<(EndpointId, Url)>,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            timeout: Duration::from_secs(15),
            here: None,
        }
    }
}

/// The deliveries of all endpoints, and the [callbacks](crate::callback()), while this lives.
///
/// Dropped without [`Deliveries::shutdown`], they stop at once: what is under way may be delivered again.
pub struct Deliveries {
    shared: Arc<Shared>,
    stop: CancellationToken,
    supervisor: JoinHandle<()>,
}

/// What all runners have in common.
struct Shared {
    store: Store,
    endpoints: Endpoints,
    worker: Worker,
    http: Arc<dyn Http>,
    options: DeliveryOptions,
}

impl Deliveries {
    /// Starts delivering. `http` must be guarded ([`client::ReqwestHttp::guarded`]): endpoints are named by others.
    pub async fn start(
        store: Store,
        http: Arc<dyn Http>,
        options: DeliveryOptions,
    ) -> Result<Self, store::Error> {
        let shared = Arc::new(Shared {
            worker: store.join().await?,
            endpoints: Endpoints::new(store.clone()),
            store,
            http,
            options: DeliveryOptions {
                timeout: options.timeout.min(LONGEST_TIMEOUT),
                ..options
            },
        });
        let stop = CancellationToken::new();
        let supervisor = tokio::spawn(supervise(shared.clone(), stop.clone()));
        Ok(Self {
            shared,
            stop,
            supervisor,
        })
    }

    /// Takes up no more work, finishes what is under way within the time-out and 5 s, and releases the rest.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let most = self.shared.options.timeout + DRAIN;
        if timeout(most, &mut self.supervisor).await.is_err() {
            tracing::warn!("deliveries under way did not end in time; they are made again");
            self.supervisor.abort();
            let _ = (&mut self.supervisor).await;
        }
        let shared = self.shared.clone();
        drop(self);
        // The last owner by now: the runners ended with the supervisor.
        if let Some(shared) = Arc::into_inner(shared) {
            shared.worker.leave().await;
        }
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// The runners of the endpoints that are enabled.
struct Supervisor {
    shared: Arc<Shared>,
    runners: HashMap<EndpointId, Runner>,
    lanes: Vec<Lane>,
    /// The runners' tasks, also of those that are stopping.
    tasks: JoinSet<()>,
    buried: Option<Instant>,
}

async fn supervise(shared: Arc<Shared>, stop: CancellationToken) {
    let mut supervisor = Supervisor {
        shared,
        runners: HashMap::new(),
        lanes: Lane::all(),
        tasks: JoinSet::new(),
        buried: None,
    };
    let mut tick = interval(REFRESH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        // Cancelled in the middle, a refresh leaves nothing half done.
        match stop.run_until_cancelled(supervisor.refresh()).await {
            Some(Err(error)) => tracing::warn!(%error, "the endpoints can't be read; they stay as they were"),
            Some(Ok(())) => {}
            None => break,
        }
    }
    supervisor.finish().await;
}

impl Supervisor {
    async fn refresh(&mut self) -> Result<(), store::Error> {
        for lane in &mut self.lanes {
            lane.keep_running(&self.shared, &mut self.tasks);
        }
        let endpoints = self.shared.endpoints.list().await?;
        self.runners.retain(|id, runner| {
            let stays = endpoints
                .iter()
                .any(|endpoint| endpoint.id == *id && endpoint.is_enabled());
            if !stays {
                runner.stop();
            }
            stays
        });
        for mut endpoint in endpoints.into_iter().filter(Endpoint::is_enabled) {
            if let Some((_, url)) = self
                .shared
                .options
                .here
                .as_ref()
                .filter(|(id, _)| *id == endpoint.id)
            {
                endpoint.url = url.clone();
            }
            self.run(endpoint);
        }
        while self.tasks.try_join_next().is_some() {}
        if self.buried.is_none_or(|at| at.elapsed() >= BURY_EVERY) {
            self.buried = Some(Instant::now());
            runner::bury(&self.shared).await?;
        }
        Ok(())
    }

    fn run(&mut self, endpoint: Endpoint) {
        // One that ended by itself did so by a fault of ours; it starts anew.
        match self
            .runners
            .get(&endpoint.id)
            .filter(|runner| runner.is_running())
        {
            Some(runner) => runner.update(endpoint),
            None => {
                let id = endpoint.id.clone();
                let runner = Runner::start(self.shared.clone(), endpoint, &mut self.tasks);
                self.runners.insert(id, runner);
            }
        }
    }

    async fn finish(mut self) {
        for runner in self.runners.values() {
            runner.stop();
        }
        self.lanes.iter().for_each(Lane::stop);
        while self.tasks.join_next().await.is_some() {}
    }
}
