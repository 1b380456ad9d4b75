//! What PostgreSQL takes and what it does not, and TLS.

use super::server::{Cluster, Database, connect, event, open};
use std::{fs, process::Command};
use store::{Commit, Committed, Error, Expect, Intent, Location, MOST_NAME, Put, Store};
use tokio::task::JoinSet;

#[tokio::test]
async fn names_of_the_greatest_length_are_kept() {
    let Some(database) = Database::new().await else {
        return;
    };
    let store = database.open().await;
    // Nothing that could be compressed.
    let digits = (0..).map(|number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string());
    let text: String = digits.take(MOST_NAME).collect();
    let name = |from: usize| text[from..from + MOST_NAME].to_owned();
    let mut commit = event(&name(0));
    commit.event.as_mut().unwrap().source = name(1);
    commit.intents.push(Intent {
        effect: store::EffectKey {
            source: name(1),
            event: name(0),
            step: name(2),
        },
        queue: name(3),
        subject: Some(name(4)),
        body: String::new(),
        after: std::time::Duration::ZERO,
    });
    commit.records.push(Put {
        kind: name(5),
        id: name(6),
        body: Some(String::new()),
        expect: Expect::Absent,
    });
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
    assert!(store.event(&name(1), &name(0)).await.unwrap().is_some());
    let worker = store.join().await.unwrap();
    assert_eq!(worker.claim(&name(3), 1).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_database_refuses_keeps_no_other_from_being_written() {
    let Some(database) = Database::new().await else {
        return;
    };
    let store = database.open().await;
    let admin = connect(&database.url).await;
    admin
        .batch_execute("ALTER TABLE inbox ADD CHECK (answer <> 'bad')")
        .await
        .unwrap();
    let mut commits = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        let is_bad = number % 10 == 0;
        let mut commit: Commit = event(&format!("e-{number}"));
        if is_bad {
            commit.event.as_mut().unwrap().answer = "bad".into();
        }
        commits.spawn(async move { (is_bad, store.commit(commit).await) });
    }
    for (is_bad, committed) in commits.join_all().await {
        match committed {
            Ok(Committed::Done) => assert!(!is_bad),
            Err(Error::Failed(_)) => assert!(is_bad),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.counts().await.unwrap().events, 180);
}

/// Makes the server speak TLS; gives the file of the authority.
async fn encrypt(cluster: &Cluster) -> String {
    let data = cluster.folder().join("data");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (data.join("server.crt"), data.join("server.key"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let like = format!("--reference={}", data.join("PG_VERSION").display());
    for change in ["chown", "chmod"] {
        assert!(
            Command::new(change)
                .arg(&like)
                .args([&certificate, &key])
                .status()
                .unwrap()
                .success()
        );
    }
    let admin = connect(&cluster.url).await;
    admin.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    // The next connections find it on.
    while connect(&cluster.url)
        .await
        .query_one("SHOW ssl", &[])
        .await
        .unwrap()
        .get::<_, &str>(0)
        != "on"
    {}
    certificate.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_is_reached_if_its_authority_is_known() {
    let Some(cluster) = Cluster::start() else { return };
    let authority = encrypt(&cluster).await;
    let store = open(&format!(
        "{}?sslmode=require&sslrootcert={authority}",
        cluster.url
    ))
    .await;
    assert_eq!(store.commit(event("e-1")).await.unwrap(), Committed::Done);
    let count = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                  WHERE ssl AND application_name = 'trunkline'";
    let encrypted = connect(&cluster.url).await.query_one(count, &[]).await.unwrap();
    assert!(encrypted.get::<_, i64>(0) > 0);
    // With the machine's own authorities, the server is a stranger.
    let unknown = Location::Postgres(format!("{}?sslmode=require", cluster.url));
    assert!(Store::open(&unknown).await.is_err());
}
