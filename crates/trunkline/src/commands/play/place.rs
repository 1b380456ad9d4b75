//! The platform that plays, and what is told on the way.

use super::secret_of_environment;
use crate::{cli::PlayArgs, config::Config, platform};
use ::center::Center;
use anyhow::{Context, Result};
use client::{
    Endpoint, ReqwestHttp, Transport, any_host_config,
    guard::{Guard, allowed_hosts, host},
};
use flow::throttle::Bounds;
use jobs::playback::{Hook, Stability, WEBHOOK_TIMEOUT, Work, stability, webhook_effect};
use std::{sync::Arc, time::Duration};
use store::{ItemState, Notary, Store};
use tokio::time::{Instant, sleep};
use webhooks::{Deliveries, DeliveryOptions, Secret, Signer};
use wire::ids::SessionId;

/// How long the end waits for the first attempt of each webhook.
const FIRST_ATTEMPTS: Duration = WEBHOOK_TIMEOUT.saturating_add(Duration::from_secs(1));
/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// A platform, or a center in this process.
pub(super) struct Place {
    store: Store,
    notary: Notary,
    center: Option<Center>,
    transport: Transport,
    /// The platform's name in the books.
    name: String,
    /// Whether the platform is on this machine.
    pub(super) is_here: bool,
    hook: Option<Hook>,
    deliveries: Option<Deliveries>,
}

/// What became of the webhooks of a session.
#[derive(Debug, Default)]
pub(super) struct Owed {
    pub(super) delivered: u64,
    /// Those that are tried again.
    pub(super) owed: u64,
    /// Those that were given up.
    pub(super) dead: u64,
    /// Why the first of them is not delivered yet.
    pub(super) why: Option<String>,
}

impl Place {
    pub(super) async fn open(args: &PlayArgs, config: &Config) -> Result<Self> {
        let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let (center, transport, name, is_here) = match &args.platform {
            Some(url) => {
                let transport = platform::transport_of_url(url)?;
                let is_here = Endpoint::new(url).is_ok_and(|endpoint| endpoint.is_loopback());
                let name = transport.host();
                (None, transport, name, is_here)
            }
            None => {
                let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
                let tenant = platform::tenant(tenant)?;
                let center = platform::local_center(tenant, data_dir, store.clone(), None, false).await?;
                let transport = platform::transport_of_center(&center)?;
                (Some(center), transport, platform::OWN_CENTER.to_owned(), true)
            }
        };
        let mut place = Self {
            store,
            notary,
            center,
            transport,
            name,
            is_here,
            hook: None,
            deliveries: None,
        };
        place.arrange_webhooks(args, config).await?;
        Ok(place)
    }

    /// Delivers what is owed from now on: what this playback will tell, and what a center in this process does.
    async fn arrange_webhooks(&mut self, args: &PlayArgs, config: &Config) -> Result<()> {
        if let Some(url) = &args.webhook {
            let secret = self.secret()?;
            self.hook = Some(Hook {
                url: url.as_str().parse()?,
                signer: Signer::keep(&self.store, &secret).await?,
            });
        }
        if self.hook.is_none() && self.center.is_none() {
            return Ok(());
        }
        let http = ReqwestHttp::guarded(self.guard(args, config), any_host_config(None)?)?;
        let options = DeliveryOptions {
            timeout: WEBHOOK_TIMEOUT,
            schedule: config.serve.schedule.clone().unwrap_or_default(),
            ..DeliveryOptions::default()
        };
        self.deliveries = Some(Deliveries::start(self.store.clone(), Arc::new(http), options).await?);
        Ok(())
    }

    fn secret(&self) -> Result<Secret> {
        let of_center = self.center.as_ref().and_then(platform::webhook_secret_of);
        of_center.map_or_else(secret_of_environment, Ok)
    }

    /// The host that was typed is permitted, wherever it leads.
    fn guard(&self, args: &PlayArgs, config: &Config) -> Guard {
        let configured = [&config.serve.allow_hosts[..], &config.center.allow_hosts[..]].concat();
        let mut hosts = allowed_hosts(&configured).unwrap_or_default();
        hosts.extend(args.webhook.as_ref().and_then(|url| host(url.host_str()?)));
        Guard {
            loopback: self.is_here,
            hosts,
            own: None,
        }
    }

    pub(super) fn work(&self) -> Work {
        Work {
            transport: self.transport.clone(),
            books: self.name.clone(),
            store: self.store.clone(),
            hook: self.hook.clone(),
            bounds: Bounds::USUAL,
        }
    }

    /// The stability of all sessions on the platform so far.
    pub(super) async fn stability(&self) -> Result<Stability, store::Error> {
        stability(&self.store, &self.name).await
    }

    /// Waits until each webhook of the session was tried, and says what came of them.
    pub(super) async fn settle(&self, session: &SessionId, events: u64) -> Result<Owed, store::Error> {
        if self.hook.is_none() {
            return Ok(Owed::default());
        }
        let deadline = Instant::now() + FIRST_ATTEMPTS;
        loop {
            let (owed, is_settled) = self.look(session, events).await?;
            if is_settled || Instant::now() >= deadline {
                return Ok(owed);
            }
            sleep(LOOK).await;
        }
    }

    async fn look(&self, session: &SessionId, events: u64) -> Result<(Owed, bool), store::Error> {
        let (mut owed, mut is_settled) = (Owed::default(), true);
        for event in 1..=events {
            // One that is not there was lost, which is told elsewhere.
            let Some(item) = self.store.effect(&webhook_effect(session, event)).await? else {
                continue;
            };
            match item.state {
                ItemState::Done => owed.delivered += 1,
                ItemState::Dead => owed.dead += 1,
                ItemState::Ready | ItemState::Held | ItemState::Behind => {
                    owed.owed += 1;
                    // Behind one that failed nothing goes on for now.
                    is_settled &= item.failures > 0 || owed.why.is_some();
                }
            }
            owed.why = owed.why.or(item.error.filter(|_| item.state != ItemState::Done));
        }
        Ok((owed, is_settled))
    }

    /// Finishes what is under way, signs what was noted, and stops the center.
    pub(super) async fn close(self) -> Result<()> {
        if let Some(deliveries) = self.deliveries {
            deliveries.shutdown().await;
        }
        if let Some(center) = self.center {
            center.close().await;
        }
        let signed = self.notary.sign().await;
        signed.context("the audit log can't be signed")?;
        self.store.close().await;
        Ok(())
    }
}
