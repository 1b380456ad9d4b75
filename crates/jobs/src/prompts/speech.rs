//! Texts, said by a command that the prompts file names.

use flow::prompts::{Language, Speech};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};
use store::write_private;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};
use wire::media::sha256_hex;

/// The longest sound that a command may write, in bytes.
const LARGEST_SOUND: u64 = super::LARGEST_SOURCE;
/// How much of what a command complains of is kept, in bytes.
const LONGEST_COMPLAINT: u64 = 500;

/// Why a text is not said.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpeechError {
    #[error(
        "it is a text, and there is no command that says it; add [speech] with command = [\"espeak-ng\", \"-v\", \"{{language}}\", \"--stdin\", \"--stdout\"] to the prompts file"
    )]
    NoCommand,
    #[error("its language is not known, which the speech command wants; add language = \"en-US\"")]
    NoLanguage,
    #[error("the speech command {0:?} can't be run: {1}; install it, or name another one in [speech]")]
    NotRun(String, #[source] io::Error),
    #[error("the speech command took longer than {0} s; give it more with timeout_s, or shorten the text")]
    TooLong(u64),
    #[error("the speech command wrote more than {LARGEST_SOUND} bytes")]
    TooLarge,
    #[error("the speech command failed ({0}): {1}")]
    Failed(String, String),
    #[error("what the speech command said can't be kept in {0}: {1}")]
    NotKept(PathBuf, #[source] io::Error),
}

/// A text with the command that says it.
pub(super) struct Saying {
    text: String,
    program: String,
    arguments: Vec<String>,
    timeout: std::time::Duration,
}

impl Saying {
    pub(super) fn new(
        text: &str,
        speech: Option<&Speech>,
        language: Option<&Language>,
    ) -> Result<Self, SpeechError> {
        const PLACE: &str = "{language}";
        let speech = speech.ok_or(SpeechError::NoCommand)?;
        let fill = |argument: &String| match (argument.contains(PLACE), language) {
            (false, _) => Ok(argument.clone()),
            (true, Some(language)) => Ok(argument.replace(PLACE, language.as_str())),
            (true, None) => Err(SpeechError::NoLanguage),
        };
        Ok(Self {
            text: text.to_owned(),
            program: speech.program.clone(),
            arguments: speech.arguments.iter().map(fill).collect::<Result<_, _>>()?,
            timeout: speech.timeout,
        })
    }

    /// What the sound depends on.
    pub(super) fn sha256(&self) -> String {
        let mut whole = vec![self.text.as_str(), &self.program];
        whole.extend(self.arguments.iter().map(String::as_str));
        sha256_hex(serde_json::json!(whole).to_string().as_bytes())
    }

    /// What was said before, and could be used: a command need not say the same twice.
    pub(super) fn kept(&self, folder: &Path) -> Option<Vec<u8>> {
        fs::read(folder.join(self.sha256())).ok()
    }

    /// Keeps what was said.
    pub(super) fn keep(&self, folder: &Path, bytes: &[u8]) -> Result<(), SpeechError> {
        let path = folder.join(self.sha256());
        let keep = || {
            fs::create_dir_all(folder)?;
            write_private(&path, bytes)
        };
        keep().map_err(|error| SpeechError::NotKept(path.clone(), error))
    }

    /// Has it said.
    pub(super) async fn say(&self) -> Result<Vec<u8>, SpeechError> {
        let spawned = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let not_run = |error| SpeechError::NotRun(self.program.clone(), error);
        let mut child = spawned.map_err(not_run)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let tell = async {
            if let Some(mut stdin) = stdin {
                // A command that does not read all of it says so by its exit.
                let _ = stdin.write_all(self.text.as_bytes()).await;
            }
        };
        let conversation = async {
            let ((), sound, complaint) = tokio::join!(
                tell,
                bounded(stdout, LARGEST_SOUND),
                bounded(stderr, LONGEST_COMPLAINT)
            );
            if sound.len() as u64 > LARGEST_SOUND {
                return Err(SpeechError::TooLarge);
            }
            let status = child.wait().await.map_err(not_run)?;
            match status.success() && !sound.is_empty() {
                true => Ok(sound),
                false => Err(SpeechError::Failed(status.to_string(), complaint_of(&complaint))),
            }
        };
        match timeout(self.timeout, conversation).await {
            Ok(said) => said,
            Err(_) => Err(SpeechError::TooLong(self.timeout.as_secs())),
        }
    }
}

/// At most so many bytes, and one more where there are more; the rest is read and dropped only for complaints.
async fn bounded(stream: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let mut stream = stream.take(most + 1);
        // What was read until it broke is what there is.
        let _ = stream.read_to_end(&mut bytes).await;
        if most == LONGEST_COMPLAINT {
            let _ = tokio::io::copy(&mut stream.into_inner(), &mut tokio::io::sink()).await;
        }
    }
    bytes
}

fn complaint_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.trim() {
        "" => "it wrote nothing".to_owned(),
        text => text
            .chars()
            .filter(|sign| !sign.is_control() || *sign == '\n')
            .collect(),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn saying(script: &str) -> Saying {
        let speech = Speech {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into(), "{language}".into()],
            timeout: Duration::from_secs(5),
        };
        Saying::new("Hello", Some(&speech), "en-US".parse().ok().as_ref()).unwrap()
    }

    #[tokio::test]
    async fn a_text_is_said_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let says = saying("echo \"$0:$(cat)\"");
        assert_eq!(says.kept(folder.path()), None);
        let said = says.say().await.unwrap();
        assert_eq!(said, b"en-US:Hello\n");
        says.keep(folder.path(), &said).unwrap();
        assert_eq!(says.kept(folder.path()), Some(said));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_in_the_commands_own_words() {
        let said = saying("echo no such voice >&2; exit 3").say().await.unwrap_err();
        assert_eq!(
            said.to_string(),
            "the speech command failed (exit status: 3): no such voice"
        );
        let said = saying("true").say().await.unwrap_err();
        assert_eq!(
            said.to_string(),
            "the speech command failed (exit status: 0): it wrote nothing"
        );
        let endless = saying("cat /dev/zero").say().await.unwrap_err();
        assert!(matches!(endless, SpeechError::TooLarge), "{endless}");
        let mut slow = saying("sleep 60");
        slow.timeout = Duration::from_millis(50);
        assert!(matches!(slow.say().await, Err(SpeechError::TooLong(_))));
    }

    #[test]
    fn a_text_needs_a_command_and_perhaps_a_language() {
        assert!(matches!(
            Saying::new("x", None, None),
            Err(SpeechError::NoCommand)
        ));
        let speech = Speech {
            program: "say".into(),
            arguments: vec!["-v={language}".into()],
            timeout: Duration::from_secs(5),
        };
        assert!(matches!(
            Saying::new("x", Some(&speech), None),
            Err(SpeechError::NoLanguage)
        ));
    }
}
