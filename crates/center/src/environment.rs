//! The environment that a center's clients need, as lines to paste (contract section 10).

use crate::Addresses;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, net::IpAddr};
use webhooks::Secret;
use wire::ids::ClientId;

/// Names and values, in a fixed order. They hold secrets, so `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment(Vec<(&'static str, SecretString)>);

impl Environment {
    pub(crate) fn new(
        addresses: &Addresses,
        client: &ClientId,
        client_secret: &SecretString,
        admin_token: &SecretString,
        webhooks: &Secret,
    ) -> Self {
        let url = addresses.base_url();
        let cxone = addresses.https_url().unwrap_or_else(|| url.clone());
        let org = addresses
            .https
            .as_ref()
            .filter(|(_, name)| name.parse::<IpAddr>().is_err())
            .and_then(|(_, name)| name.split_once('.'))
            .map_or("demo", |(org, _)| org);
        let mut lines: Vec<(&'static str, String)> = vec![
            ("CXONE_HOST", cxone.clone()),
            ("CXONE_ORG", org.to_owned()),
            ("CXONE_ORG_URL", cxone),
            ("CXONE_CLIENT_ID", client.to_string()),
            ("CXONE_CLIENT_SECRET", client_secret.expose_secret().to_owned()),
            ("GENESYS_BASE_URL", url.clone()),
            ("GENESYS_CLIENT_ID", client.to_string()),
            ("GENESYS_CLIENT_SECRET", client_secret.expose_secret().to_owned()),
            ("CLIENT_ID", client.to_string()),
            ("CLIENT_SECRET", client_secret.expose_secret().to_owned()),
            ("AUDIO_BASE_URL", format!("{url}/audio")),
            ("TRUNKLINE_URL", url),
            ("TRUNKLINE_ADMIN_TOKEN", admin_token.expose_secret().to_owned()),
            ("TRUNKLINE_WEBHOOK_SECRET", webhooks.expose().to_owned()),
        ];
        if let Some(ca) = &addresses.ca {
            lines.push((
                "TRUNKLINE_CA",
                std::path::absolute(ca)
                    .unwrap_or_else(|_| ca.clone())
                    .display()
                    .to_string(),
            ));
        }
        Self(
            lines
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect(),
        )
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All lines as `KEY=VALUE`, secrets included: for the user's eyes, or a private file.
    pub fn to_lines(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}={}\n", value.expose_secret()))
            .collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
