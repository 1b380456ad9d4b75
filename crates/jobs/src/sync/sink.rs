//! What takes the changes.

#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::{jsonl::Jsonl, sending::SignIn, target::Target, tickets::Tickets, web::Web};
use client::{Http, HttpFailure};
use flow::{
    sync::{Delivered, MOST_OVERLAP},
    tickets::Template,
};
use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};
use store::Store;
use wire::UtcTime;

/// A change that is ready to leave.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Names the change.
    pub(super) id: String,
    /// The change as JSON, in one line.
    pub(super) json: String,
    /// The change itself, for sinks that take it apart.
    pub(super) whole: Option<super::Changed>,
}

impl Parcel {
    /// The change itself, which sinks have asked for that take it apart: none may pass by without it.
    pub(super) fn whole(&self) -> Result<&super::Changed, SinkError> {
        self.whole.as_ref().ok_or(SinkError::Broken)
    }
}

/// How a sink is opened.
pub(super) struct Opening<'a> {
    pub(super) target: &'a Target,
    /// The platform's name, for sinks that hold several.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "rows of PostgreSQL have it")
    )]
    pub(super) platform: &'a str,
    /// The address of what takes changes by HTTP.
    pub(super) http: Option<Arc<dyn Http>>,
    pub(super) sign_in: SignIn,
    /// With it, the target is a ticketing system.
    pub(super) template: Option<Arc<Template>>,
    /// Most changes in one request.
    pub(super) batch: usize,
    /// Where tickets are remembered.
    pub(super) store: Store,
    /// From when on changes will be read.
    pub(super) since: Option<UtcTime>,
    /// Whether what was delivered since then came in any order.
    pub(super) in_any_order: bool,
}

/// One of those there are.
pub(super) enum Sink {
    Jsonl(Jsonl),
    Web(Web),
    Tickets(Tickets),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

impl Sink {
    /// Opens it; gives it, and what it has already of what will be read, as far as it knows.
    pub(super) async fn open(opening: Opening<'_>) -> Result<(Self, Vec<Delivered>), SinkError> {
        match opening.target {
            Target::Jsonl(path) => {
                // It may have been written with a longer overlap.
                let since = opening.since.map(|since| {
                    let earlier = since.timestamp().checked_sub(MOST_OVERLAP);
                    earlier.unwrap_or(jiff::Timestamp::MIN).into()
                });
                let (jsonl, has) = Jsonl::open(path.clone(), since, opening.in_any_order).await?;
                Ok((Self::Jsonl(jsonl), has))
            }
            Target::Web(url) => {
                let http = opening.http.ok_or(SinkError::NoHttp)?;
                let sink = match opening.template {
                    None => Self::Web(Web::new(http, url.clone(), opening.sign_in, opening.batch)),
                    Some(template) => {
                        let name = opening.target.key(Some(&template));
                        let tickets =
                            Tickets::new(http, url, opening.sign_in, template, opening.store, &name);
                        Self::Tickets(tickets)
                    }
                };
                Ok((sink, Vec::new()))
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(url) => {
                let postgres = Postgres::open(url, opening.platform).await?;
                Ok((Self::Postgres(postgres), Vec::new()))
            }
            #[cfg(not(feature = "postgres"))]
            Target::Postgres(_) => Err(SinkError::WithoutPostgres),
        }
    }

    /// Whether it takes changes apart.
    pub(super) fn wants_whole(&self) -> bool {
        !matches!(self, Self::Jsonl(_) | Self::Web(_))
    }

    /// Takes changes; when it returns, it has them for good. What it has already is there once all the same.
    pub(super) async fn take(&mut self, parcels: Vec<Parcel>) -> Result<(), SinkError> {
        match self {
            Self::Jsonl(jsonl) => jsonl.append(&parcels).await,
            Self::Web(web) => web.post(&parcels).await,
            Self::Tickets(tickets) => tickets.file(&parcels).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.upsert(&parcels).await,
        }
    }
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStep {
    /// Opened, or made.
    Opened,
    /// Locked against other syncs.
    Locked,
    /// Read, to know what it has.
    Read,
    /// Written.
    Written,
}

impl fmt::Display for FileStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened => "opened",
            Self::Locked => "locked",
            Self::Read => "read",
            Self::Written => "written",
        })
    }
}

/// Why a sink does not take changes.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file can't be used.
    #[error("the file {} can't be {what}; check the folder, its rights and the room on the disk", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: FileStep,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process has the file.
    #[error("another sync writes to {}; wait for its end, or name another file", .0.display())]
    FileTaken(PathBuf),
    /// The file holds something else.
    #[error("{} is not a file of changes (its first line has no changeId); name another file", .0.display())]
    NotOurs(PathBuf),
    /// The sink said no, or was too busy for too long.
    #[error("{host} does not take {about}: it answers {status} (attempts: {attempts}): {text}{}", remedy(*.status, *.retry_after))]
    Refused {
        /// Who.
        host: String,
        /// A change id, or what else it was about.
        about: String,
        /// The status of the last answer.
        status: u16,
        /// The beginning of its text.
        text: String,
        /// How often it was tried.
        attempts: u32,
        /// When to come again, if it says so.
        retry_after: Option<Duration>,
    },
    /// The sink can't be reached, or does not answer.
    #[error(
        "{host} can't be reached (attempts: {attempts}): {failure}; check the address, and that it is running"
    )]
    Unreachable {
        /// Who.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// How the last attempt ended.
        failure: HttpFailure,
    },
    /// The answer is not what the template says.
    #[error("{host} answers {about} otherwise than the template says: {what}; correct the template")]
    Unlike {
        /// Who.
        host: String,
        /// What was asked.
        about: String,
        /// What is missing.
        what: String,
    },
    /// The change can't be put into a request.
    #[error("{about} can't be sent: it makes no request; correct the template or the address")]
    Unsendable {
        /// A change id.
        about: String,
    },
    /// The secret for the sink is no header.
    #[error(
        "what the sink is to know us by can't stand in a header; check the environment variable that it comes from"
    )]
    SignIn,
    /// The database does not take changes.
    #[error("the database does not take changes: {0}")]
    Database(String, #[source] Option<store::Error>),
    /// What was done for tickets can't be remembered.
    #[error("tickets can't be remembered")]
    Store(#[from] store::Error),
    /// This Trunkline can't write to PostgreSQL.
    #[error(
        "this Trunkline was built without PostgreSQL; build it with the feature postgres, or name another sink"
    )]
    WithoutPostgres,
    /// A process with another data folder works on the same tickets.
    #[error(
        "another sync makes the same tickets, with another data folder; wait for its end, or end it, and begin again"
    )]
    TicketsTaken,
    /// No way to send was given.
    #[error("there is no way to send to a web address")]
    NoHttp,
    /// A part of the sync broke.
    #[error("the sync broke; begin it again to go on where it was")]
    Broken,
}

fn remedy(status: u16, retry_after: Option<Duration>) -> String {
    if let Some(pause) = retry_after {
        return format!(
            "; it asks for a pause of {} s: begin the sync again after it, it goes on where it was",
            pause.as_secs()
        );
    }
    let remedy = match status {
        401 | 403 => "; check what it is to know us by",
        404 | 405 => "; check the address",
        413 => "; send less at once with --batch",
        429 | 500..=599 => "; begin the sync again later, it goes on where it was",
        _ => "; nothing after it is synced until it is taken: correct the sink or the template",
    };
    remedy.to_owned()
}

impl SinkError {
    /// When to come again, if the sink says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the request may have been carried out all the same.
    pub(super) fn may_be_done(&self) -> bool {
        match self {
            Self::Refused {
                status, retry_after, ..
            } => *status >= 500 && retry_after.is_none(),
            Self::Unreachable { .. } => self.is_passing(),
            _ => false,
        }
    }

    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            // It expects us again.
            Self::Refused {
                retry_after: Some(_), ..
            } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Unreachable { failure, .. } => !matches!(
                failure.kind,
                client::FailureKind::Untrusted | client::FailureKind::TooLarge | client::FailureKind::Refused
            ),
            Self::Store(error) | Self::Database(_, Some(error)) => {
                matches!(error, store::Error::Unavailable(_) | store::Error::Full)
            }
            Self::File { what, .. } => *what == FileStep::Written,
            _ => false,
        }
    }
}
