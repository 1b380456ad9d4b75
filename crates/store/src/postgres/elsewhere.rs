//! A PostgreSQL database that is somebody else's: no schema of ours, only statements.

use super::{
    session::{Connections, Given},
    settings::Settings,
};
use crate::Error;
use std::fmt;

/// Connections to it.
const CONNECTIONS: usize = 2;

/// A PostgreSQL database that others read, reached as the store's own is: the same URLs, TLS, time limits and patience.
pub struct Elsewhere {
    connections: Connections,
}

impl Elsewhere {
    /// Reads the URL (a secret: it may hold a password). Nothing is connected before it is needed.
    pub fn new(url: &str) -> Result<Self, Error> {
        let connections = Connections::new(Settings::read(url)?, CONNECTIONS)?;
        Ok(Self { connections })
    }

    /// Runs statements without parameters, in one go.
    pub async fn run(&self, statements: &str) -> Result<(), Error> {
        self.connections
            .patiently(|session| async move {
                session.run(statements).await?;
                session.done();
                Ok(())
            })
            .await
    }

    /// Runs a statement over whole columns of texts (`unnest($1::text[], $2::text[])`); gives how many rows it concerned. It is repeated
    /// when a connection breaks, so twice must be as good as once.
    pub async fn over_columns(&self, statement: &str, columns: &[Vec<Option<String>>]) -> Result<u64, Error> {
        self.connections
            .patiently(|session| async move {
                let given: Vec<Given<'_>> = columns.iter().map(|column| column as Given<'_>).collect();
                let rows = session.execute(statement, &given).await?;
                session.done();
                Ok(rows)
            })
            .await
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elsewhere(..)")
    }
}
