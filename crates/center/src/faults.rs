//! Faults on demand: an administrator asks for routes to be slow or to fail, for assets to fail and callbacks to go wrong, and tests how
//! programs bear it.

use serde::Serialize;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wire::{
    Faults,
    fault::{self, Object},
};

/// Most faults at a time.
const MAX_FAULTS: usize = 100;
/// The longest delay, in milliseconds.
const LONGEST_DELAY_MS: u64 = 60_000;
/// Most times that a fault strikes.
const MOST_TIMES: u64 = 1_000_000;

/// One fault, and how often it still strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fault {
    #[serde(flatten)]
    what: What,
    times: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum What {
    /// Requests whose path begins like this are delayed, refused, or both.
    Path {
        path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
        delay_ms: u64,
    },
    /// Compiling this asset, or for this node, fails.
    Asset { asset: String },
    /// The callback of a compilation goes wrong.
    Callback { callback: CallbackFault, delay_ms: u64 },
}

/// What happens to a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CallbackFault {
    /// It is not sent.
    Lost,
    /// It is sent a second time, as another message.
    Twice,
    /// It is delivered before the request that asked for the compilation is answered.
    Early,
    /// It is sent later.
    Late,
}

impl CallbackFault {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Lost, "lost"),
        (Self::Twice, "twice"),
        (Self::Early, "early"),
        (Self::Late, "late"),
    ];

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let text = body.text("callback", faults)?;
        let known = Self::ALL.into_iter().find(|(_, name)| *name == text);
        if known.is_none() {
            let names: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            let text = fault::shorten(text);
            faults.push(format!(
                "callback must be one of {}, not {text:?}",
                names.join(", ")
            ));
        }
        known.map(|(fault, _)| fault)
    }
}

/// What a request has to bear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Burden {
    pub(crate) delay: Duration,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_s: Option<u64>,
}

/// What becomes of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) times: usize,
    pub(crate) after: Duration,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            times: 1,
            after: Duration::ZERO,
        }
    }
}

impl Fault {
    /// One of `{"path","status"?: 400-599,"retryAfterS"?,"delayMs"?: up to 60000}`, `{"asset": its id or a node's}` and
    /// `{"callback": "lost"|"twice"|"early"|"late","delayMs"?: of "twice" and "late"}`, each with `"times"?`: 1 unless given.
    pub(crate) fn parse(body: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(body, &mut faults);
        let read = value.and_then(|value| {
            let body = Object::top(&value, &mut faults)?;
            let what = What::read(&body, &mut faults);
            let times = body
                .optional_whole("times", 1..=MOST_TIMES, &mut faults)
                .unwrap_or(1);
            Some(Self { what: what?, times })
        });
        faults.finish(read)
    }
}

impl What {
    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let kinds = ["path", "asset", "callback"];
        let given: Vec<_> = kinds.into_iter().filter(|kind| body.has(kind)).collect();
        if given.len() > 1 {
            faults.push(format!(
                "{} are different faults; ask for one at a time",
                given.join(" and ")
            ));
        }
        let delay_ms = body
            .optional_whole("delayMs", 0..=LONGEST_DELAY_MS, faults)
            .unwrap_or(0);
        match given.first() {
            Some(&"asset") => Some(Self::Asset {
                asset: body.text("asset", faults)?.to_owned(),
            }),
            Some(&"callback") => {
                let callback = CallbackFault::read(body, faults)?;
                if delay_ms > 0 && matches!(callback, CallbackFault::Lost | CallbackFault::Early) {
                    faults.push("delayMs goes with callbacks that are late or twice");
                }
                Some(Self::Callback { callback, delay_ms })
            }
            _ => {
                let path = body.text("path", faults).map(str::to_owned);
                let status = body.optional_whole("status", 400..=599, faults);
                let retry_after_s = body.optional_whole("retryAfterS", 0..=3600, faults);
                Some(Self::Path {
                    path: path?,
                    status: status.and_then(|status| u16::try_from(status).ok()),
                    retry_after_s,
                    delay_ms,
                })
            }
        }
    }
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct FaultBook(Mutex<Vec<Fault>>);

impl FaultBook {
    /// Adds a fault; `false` when there are too many.
    pub(crate) fn add(&self, fault: Fault) -> bool {
        let mut faults = self.lock();
        let fits = faults.len() < MAX_FAULTS;
        if fits {
            faults.push(fault);
        }
        fits
    }

    /// The faults that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Ends all faults.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The first fault for a path, used once more.
    pub(crate) fn strike(&self, path: &str) -> Option<Burden> {
        self.first(|what| match what {
            What::Path {
                path: prefix,
                status,
                retry_after_s,
                delay_ms,
            } if path.starts_with(prefix.as_str()) => Some(Burden {
                delay: Duration::from_millis(*delay_ms),
                status: *status,
                retry_after_s: *retry_after_s,
            }),
            _ => None,
        })
    }

    /// Whether compiling an asset for a node is to fail.
    pub(crate) fn strike_asset(&self, asset_id: &str, node_id: &str) -> bool {
        let meant = |asset: &str| asset == asset_id || asset == node_id;
        let strikes = |what: &What| matches!(what, What::Asset { asset } if meant(asset)).then_some(());
        self.first(strikes).is_some()
    }

    /// How often a callback that is due is to be sent, and when.
    pub(crate) fn strike_callback(&self) -> Option<Sent> {
        self.first(|what| {
            let What::Callback { callback, delay_ms } = what else {
                return None;
            };
            let times = match callback {
                CallbackFault::Early => return None,
                CallbackFault::Lost => 0,
                CallbackFault::Late => 1,
                CallbackFault::Twice => 2,
            };
            let after = Duration::from_millis(*delay_ms);
            Some(Sent { times, after })
        })
    }

    /// Whether a callback is to come before the answer.
    pub(crate) fn strike_early_callback(&self) -> bool {
        let early = |what: &What| {
            matches!(what, What::Callback { callback, .. } if *callback == CallbackFault::Early).then_some(())
        };
        self.first(early).is_some()
    }

    /// What the first fault that strikes brings, used once more.
    fn first<T>(&self, strikes: impl Fn(&What) -> Option<T>) -> Option<T> {
        let mut faults = self.lock();
        let struck = |(at, fault): (usize, &Fault)| strikes(&fault.what).map(|brings| (at, brings));
        let (at, brings) = faults.iter().enumerate().find_map(struck)?;
        let fault = &mut faults[at];
        fault.times -= 1;
        if fault.times == 0 {
            faults.remove(at);
        }
        Some(brings)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_asked() {
        let book = FaultBook::default();
        let fault = r#"{"path":"/api/v2/profiles","status":503,"retryAfterS":2,"times":2}"#;
        assert!(book.add(Fault::parse(fault).unwrap()));
        assert_eq!(book.strike("/oauth/token"), None);
        let burden = Burden {
            delay: Duration::ZERO,
            status: Some(503),
            retry_after_s: Some(2),
        };
        assert_eq!(book.strike("/api/v2/profiles/external/x"), Some(burden));
        assert!(book.strike("/api/v2/profiles/external/x").is_some());
        assert_eq!(book.strike("/api/v2/profiles/external/x"), None);
    }

    #[test]
    fn assets_and_callbacks_are_struck_for_themselves() {
        let book = FaultBook::default();
        for fault in [
            r#"{"asset":"welcome","times":2}"#,
            r#"{"callback":"early"}"#,
            r#"{"callback":"late","delayMs":1500}"#,
        ] {
            assert!(book.add(Fault::parse(fault).unwrap()));
        }
        assert_eq!(book.strike("/api/v2/media/compile"), None);
        assert!(!book.strike_asset("a-1", "goodbye"));
        assert!(book.strike_asset("a-1", "welcome") && book.strike_asset("welcome", "goodbye"));
        assert!(!book.strike_asset("a-1", "welcome"));
        let late = Sent {
            times: 1,
            after: Duration::from_millis(1500),
        };
        assert_eq!(book.strike_callback(), Some(late));
        assert_eq!(book.strike_callback(), None);
        assert!(book.strike_early_callback() && !book.strike_early_callback());
        assert!(book.list().is_empty());
    }

    #[test]
    fn a_faulty_fault_is_refused_whole() {
        let faults = Fault::parse(r#"{"status":200,"times":0}"#).unwrap_err();
        assert_eq!(faults.as_slice().len(), 3);
        let faults = Fault::parse(r#"{"callback":"never","asset":"a"}"#).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            ["asset and callback are different faults; ask for one at a time"]
        );
        let faults = Fault::parse(r#"{"callback":"early","delayMs":1}"#).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            ["delayMs goes with callbacks that are late or twice"]
        );
        let faults = Fault::parse(r#"{"callback":"never","delayMs":60001}"#).unwrap_err();
        assert_eq!(
            faults.as_slice(),
            [
                "delayMs must be 0 to 60000, not 60001",
                "callback must be one of lost, twice, early, late, not \"never\"",
            ]
        );
    }

    #[test]
    fn a_fault_is_listed_as_it_was_asked_for() {
        let listed = |text: &str| serde_json::to_string(&Fault::parse(text).unwrap()).unwrap();
        for text in [
            r#"{"path":"/x","status":429,"retryAfterS":2,"delayMs":0,"times":3}"#,
            r#"{"asset":"welcome","times":1}"#,
            r#"{"callback":"twice","delayMs":0,"times":1}"#,
        ] {
            assert_eq!(listed(text), text);
        }
    }
}
