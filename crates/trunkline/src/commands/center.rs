//! `trunkline center`.

use super::signals::{asked_to_end, end_at_once_when_asked_again};
use crate::{
    Done,
    cli::{CenterArgs, Cli},
    config::Config,
    output::Output,
    platform,
};
use ::center::{Center, Completions, Options, TlsOptions};
use ::store::write_private;
use anyhow::{Context, Result};
use clap::{CommandFactory, error::ErrorKind};
use secrecy::ExposeSecret;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const HTTP_PORT: u16 = 8642;
const HTTPS_PORT: u16 = 8643;

pub(crate) async fn run(args: CenterArgs, config: Config, output: &Output) -> Result<Done> {
    let completions = completions(&args, &config);
    let env_file = args.env_file.clone();
    let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
    let (store, notary) = platform::usual_store(&data_dir, &config).await?;
    let options = Options {
        store: Some(store.clone()),
        completions,
        ..options(args, config)?
    };
    let center = Center::start(options).await?;
    if let Some(file) = env_file {
        write_private(&file, center.environment().to_lines().as_bytes())
            .with_context(|| format!("the environment file {} can't be written", file.display()))?;
    }
    introduce(&center, output);
    tokio::select! {
        () = asked_to_end() => {}
        () = notary.keep_signing() => {}
    }
    output.note("\nending calls ... (Ctrl-C again ends at once)");
    end_at_once_when_asked_again();
    center.close().await;
    notary.sign().await?;
    store.close().await;
    Ok(Done::Well)
}

/// What completions go where; ends with a usage error if they are to be made up for nobody.
fn completions(args: &CenterArgs, config: &Config) -> Completions {
    let to = args
        .completions_to
        .as_ref()
        .or(config.center.completions_to.as_ref());
    let rate = args.completions.or(config.center.completions);
    if rate.is_some() && to.is_none() {
        let message = "--completions needs to know where they go: add --completions-to URL, or completions_to in [center] of trunkline.toml";
        Cli::command()
            .error(ErrorKind::MissingRequiredArgument, message)
            .exit();
    }
    Completions {
        to: to.cloned().map(Into::into),
        rate,
        // There is no service in this process that would do it.
        deliver: true,
    }
}

fn options(args: CenterArgs, config: Config) -> Result<Options> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let names = if args.tls_name.is_empty() {
        config.center.tls_names.clone()
    } else {
        args.tls_name
    };
    let tls_listen = args
        .tls_listen
        .or(config.center.tls_listen)
        .unwrap_or(local(HTTPS_PORT));
    let allow_hosts = if args.allow_host.is_empty() {
        config.center.allow_hosts.clone()
    } else {
        args.allow_host
    };
    let own = config.center;
    Ok(Options {
        listen: args.listen.or(own.listen).unwrap_or(local(HTTP_PORT)),
        tls: args.tls.then_some(TlsOptions {
            listen: tls_listen,
            names,
        }),
        data_dir: platform::data_dir(args.data_dir, config.data_dir),
        tenant: platform::tenant(args.tenant.or(own.tenant).as_deref())?,
        store: None,
        purged_elsewhere: false,
        completions: Completions::default(),
        limits: args.limits.or(own.limits).unwrap_or_default(),
        allow_hosts,
        admin_token: platform::admin_token(),
        beside: None,
    })
}

/// Says where the center is, and what its clients need.
pub(super) fn introduce(center: &Center, output: &Output) {
    let addresses = center.addresses();
    let value = |name| {
        center
            .environment()
            .get(name)
            .map_or("", |value| value.expose_secret())
            .to_owned()
    };
    output.line(format!("The center answers at {}", addresses.base_url()));
    if let (Some((address, name)), Some(ca)) = (&addresses.https, &addresses.ca) {
        output.line(format!("HTTPS is at {} ({address})", value("CXONE_HOST")));
        output.line(format!("  let clients trust {}", ca.display()));
        if name != "localhost" && name.parse::<IpAddr>().is_err() {
            output.line(format!(
                "  let {name} lead here: add '127.0.0.1 {name}' to the hosts file"
            ));
        }
    }
    output.line("\nThe environment for its clients, to paste into a shell or .env:\n");
    output.line(center.environment().to_lines());
    output.note("Ctrl-C ends it, and hangs up calls properly.");
    let environment: serde_json::Map<_, _> = center
        .environment()
        .to_lines()
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    output.json(&json!({"url": addresses.base_url(), "environment": environment}));
}
