use super::*;
use flow::sync::Revision;
use std::fs;

fn line(number: u64, second: u64) -> String {
    format!(
        "{{\"changeId\":\"c{number}@{number}\",\"conversation\":{{\"id\":\"c{number}\",\"updatedDate\":\"2026-11-21T09:00:{second:02}.000Z\"}},\
         \"interactions\":[]}}"
    )
}

fn parcel(number: u64) -> Parcel {
    Parcel {
        id: format!("c{number}@{number}"),
        json: line(number, number),
        whole: None,
    }
}

/// Opens the file; gives the conversations that it remembers, in the order of the lines.
async fn opened(path: &Path, since: Option<&str>) -> Result<(Jsonl, Vec<String>), SinkError> {
    opened_in(path, since, false).await
}

async fn opened_in(
    path: &Path,
    since: Option<&str>,
    in_any_order: bool,
) -> Result<(Jsonl, Vec<String>), SinkError> {
    let since = since.map(|since| since.parse().unwrap());
    let (file, has) = Jsonl::open(path.to_owned(), since, in_any_order).await?;
    Ok((
        file,
        has.iter().map(|delivered| delivered.id.to_string()).collect(),
    ))
}

#[tokio::test]
async fn what_a_kill_tore_is_cut_off_and_the_rest_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    let (file, known) = opened(&path, None).await.unwrap();
    assert!(known.is_empty());
    file.append(&[parcel(1), parcel(2), parcel(3)]).await.unwrap();
    drop(file);
    let whole = fs::read_to_string(&path).unwrap();
    for torn in 0..line(4, 4).len() {
        fs::write(&path, format!("{whole}{}", &line(4, 4)[..torn])).unwrap();
        let (file, known) = opened(&path, Some("2026-11-21T09:00:02Z")).await.unwrap();
        assert_eq!(known, ["c2", "c3"], "torn after {torn} bytes");
        file.append(&[parcel(4)]).await.unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{whole}{}\n", line(4, 4))
        );
    }
}

#[tokio::test]
async fn a_first_line_that_was_torn_leaves_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    for torn in ["", "{", "{\"changeId\":\"c1@1\",\"conv"] {
        fs::write(&path, torn).unwrap();
        let (_file, known) = opened(&path, None).await.unwrap();
        assert!(known.is_empty());
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

#[tokio::test]
async fn lines_longer_than_a_chunk_are_read_from_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    let long =
        |number: u64, size: usize| line(number, number).replace("[]", &format!("[{:?}]", "x".repeat(size)));
    let lines: Vec<String> = (1..9)
        .map(|number| long(number, 100_000 * number as usize))
        .collect();
    fs::write(&path, lines.join("\n") + "\n" + &"y".repeat(600_000)).unwrap();
    let (_file, known) = opened(&path, None).await.unwrap();
    assert_eq!(known, ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), lines.join("\n") + "\n");
}

#[tokio::test]
async fn another_file_is_left_alone_and_so_is_one_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "dear diary").unwrap();
    assert!(matches!(opened(&path, None).await, Err(SinkError::NotOurs(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
    let path = folder.path().join("changes.jsonl");
    let (_file, _) = opened(&path, None).await.unwrap();
    assert!(matches!(opened(&path, None).await, Err(SinkError::FileTaken(_))));
    let missing = folder.path().join("no/such/folder");
    assert!(matches!(
        opened(&missing, None).await,
        Err(SinkError::File { .. })
    ));
}

#[tokio::test]
async fn a_line_in_the_midst_that_is_no_change_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    fs::write(&path, format!("{}\nwhat?\n{}\n", line(1, 1), line(2, 2))).unwrap();
    assert!(matches!(opened(&path, None).await, Err(SinkError::File { .. })));
}

#[tokio::test]
async fn newer_lines_are_found_behind_older_ones_and_the_search_is_bounded_unless_order_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    let since = Some("2026-11-21T09:00:05Z");
    fs::write(
        &path,
        [line(7, 7), line(1, 1), line(8, 8), line(2, 2)].join("\n") + "\n",
    )
    .unwrap();
    assert_eq!(opened(&path, since).await.unwrap().1, ["c7", "c8"]);
    let long = line(1, 1).replace("[]", &format!("[{:?}]", "x".repeat(MOST_OLD as usize)));
    fs::write(
        &path,
        [line(7, 7), long, line(8, 8), line(2, 2)].join("\n") + "\n",
    )
    .unwrap();
    assert_eq!(opened(&path, since).await.unwrap().1, ["c8"]);
    assert_eq!(opened_in(&path, since, true).await.unwrap().1, ["c7", "c8"]);
}

#[test]
fn changes_are_told_by_versions_and_by_stamps() {
    let of = |id: &str| {
        let line = format!(
            r#"{{"changeId":{id:?},"conversation":{{"id":"a@b","updatedDate":"2026-11-21T09:00:00Z"}}}}"#
        );
        tail::delivered(line.as_bytes()).map(|delivered| delivered.revision)
    };
    assert_eq!(of("a@b@7"), Some(Revision::Version(7)));
    let stamp = "2026-11-21T09:00:00.123456Z";
    assert_eq!(
        of(&format!("a@b@{stamp}")),
        Some(Revision::Stamp(stamp.parse().unwrap()))
    );
    assert_eq!(of("a@b"), None);
}
