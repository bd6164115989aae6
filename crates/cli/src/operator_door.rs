//! The operator's door as commands use it: which gateway, one call per operation, and what a refusal means in words.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use crate::{
    EXIT_NO, EXIT_UNKNOWN,
    commands::{DATA_DIR, runtime},
    output::{advised, advised_because, data, say},
    sandbox::{Folder, Ready},
};

/// How long the operator's door may take, in seconds: a verification walks over every entry.
const TIMEOUT_SECONDS: u64 = 120;
/// Rows of a page, where all pages are read.
const PAGE_ROWS: u64 = 1_000;
/// The largest answer that is read, in bytes: an invoice of a month as PDF is far below.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Which gateway to operate.
#[derive(Args, Debug)]
pub struct DoorArgs {
    /// The ready file of a running sandbox (default: that of the sandbox in ./gerbang-sandbox)
    #[arg(long, alias = "ready-file", value_name = "FILE", env = "GERBANG_READY_FILE")]
    ready: Option<PathBuf>,
    /// The operator's door of a gateway, instead of a ready file's
    #[arg(long, value_name = "URL", requires = "token_file")]
    operator: Option<String>,
    /// The file with your token as an operator, instead of a ready file's: a second person's, where two are needed
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What every command over the door takes.
#[derive(Args, Debug)]
pub struct DoorCommand {
    #[command(flatten)]
    door: DoorArgs,
    /// Print the door's answer as JSON
    #[arg(long)]
    pub json: bool,
}

impl DoorCommand {
    /// Asks one operation and prints its answer, for people or as JSON.
    ///
    /// # Errors
    /// With advice, when the door could not be asked.
    pub fn ask(
        &self,
        operation: &str,
        fields: Value,
        people: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<ExitCode> {
        self.run(async |door| {
            let answer = door.ask(operation, &fields).await?;
            self.print(&answer, people)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    /// The same for an operation that answers in pages, whose rows stand under this member: all of them.
    ///
    /// # Errors
    /// With advice, when the door could not be asked.
    pub fn ask_all(
        &self,
        operation: &str,
        fields: Value,
        member: &str,
        people: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<ExitCode> {
        self.run(async |door| {
            let answer = door.ask_all(operation, fields, member).await?;
            self.print(&answer, people)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    /// The gateway's clock: a sandbox's may have been turned.
    pub fn clock(&self) -> client::Clock {
        let ready = self.door.operator.is_none().then(|| Ready::read(&self.door.ready_path()).ok()).flatten();
        ready.map_or_else(client::Clock::default, |ready| ready.clock())
    }

    /// Opens the door and does something with it.
    ///
    /// # Errors
    /// With advice, when the door could not be asked.
    pub fn run(&self, work: impl AsyncFnOnce(OperatorDoor) -> anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
        let door = self.door.open()?;
        ended(runtime()?.block_on(work(door)))
    }

    /// Prints an answer.
    ///
    /// # Errors
    /// Never for an answer that was read as JSON.
    pub fn print(&self, answer: &Value, people: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
        data(if self.json { serde_json::to_string_pretty(answer)? } else { people(answer) });
        Ok(())
    }
}

/// The operator's door of one gateway.
#[derive(Clone, Debug)]
pub struct OperatorDoor {
    url: String,
    token: String,
    http: reqwest::Client,
}

/// Why there is no such answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Nobody is there; nothing was done.
    #[error("no gateway opens its operator's door at {url}")]
    Closed {
        /// Where.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The token is not the gateway's.
    #[error("the gateway at {0} does not know this token")]
    Token(String),
    /// It said no; nothing was done.
    #[error("{code}: {message}")]
    Refused {
        /// The error's code.
        code: String,
        /// In words.
        message: String,
    },
    /// It may have been done.
    #[error("{0}")]
    Unknown(String),
}

impl DoorArgs {
    /// The door.
    ///
    /// # Errors
    /// With advice, when a file is missing or holds something else.
    pub fn open(&self) -> anyhow::Result<OperatorDoor> {
        let token = self.token_file.as_ref().map(|file| {
            std::fs::read_to_string(file).map_err(|error| {
                let what = format!("the token file {} cannot be read: {error}", file.display());
                advised(what, "it is operator.token_file of the gateway's settings, or that of one of operator.people")
            })
        });
        let token = token.transpose()?;
        if let (Some(url), Some(token)) = (&self.operator, &token) {
            return Ok(OperatorDoor::new(url, token.trim()));
        }
        let ready = Ready::read(&self.ready_path())?;
        Ok(OperatorDoor::new(&ready.operator.url, token.as_deref().unwrap_or(&ready.operator.token).trim()))
    }

    fn ready_path(&self) -> PathBuf {
        self.ready.clone().unwrap_or_else(|| Folder::new(Path::new(DATA_DIR)).ready())
    }
}

impl OperatorDoor {
    /// The door at an address.
    pub fn new(url: &str, token: &str) -> Self {
        OperatorDoor {
            url: url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            http: engine::transport::http_client(TIMEOUT_SECONDS * 1_000),
        }
    }

    /// Calls an operation and gives the bytes of its answer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn call(&self, operation: &str, fields: &Value) -> Result<Vec<u8>, DoorError> {
        let closed = |source| DoorError::Closed { url: self.url.clone(), source };
        let request = self
            .http
            .post(format!("{}/operator/v1/{operation}", self.url))
            .timeout(Duration::from_secs(TIMEOUT_SECONDS))
            .bearer_auth(&self.token)
            .json(fields);
        let mut response = request.send().await.map_err(|error| match error.is_connect() {
            true => closed(error),
            false => DoorError::Unknown(format!("the gateway did not answer: {error}")),
        })?;
        let status = response.status().as_u16();
        let mut body = vec![];
        while let Some(piece) =
            response.chunk().await.map_err(|error| DoorError::Unknown(format!("the answer broke off: {error}")))?
        {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(DoorError::Unknown("the answer is too large".into()));
            }
            body.extend_from_slice(&piece);
        }
        match status {
            200..300 => Ok(body),
            401 => Err(DoorError::Token(self.url.clone())),
            _ => Err(self.refusal(status, &body)),
        }
    }

    fn refusal(&self, status: u16, body: &[u8]) -> DoorError {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| answer["error"][name].as_str().map(str::to_owned);
        match (status, text("code")) {
            (400..500, Some(code)) => DoorError::Refused { code, message: text("message").unwrap_or_default() },
            (400..500, None) => DoorError::Refused {
                code: format!("HTTP {status}"),
                message: format!("{} is not an operator's door", self.url),
            },
            (_, code) => DoorError::Unknown(format!(
                "HTTP {status}: {} {}",
                code.unwrap_or_default(),
                text("message").unwrap_or_default()
            )),
        }
    }

    /// Calls an operation that answers JSON.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn ask(&self, operation: &str, fields: &Value) -> Result<Value, DoorError> {
        let answer = self.call(operation, fields).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| DoorError::Unknown(format!("the answer of {operation} is not JSON: {error}")))
    }
}

impl OperatorDoor {
    /// Calls an operation that answers in pages, and gives the last page with the rows of all of them.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn ask_all(&self, operation: &str, mut fields: Value, member: &str) -> Result<Value, DoorError> {
        fields["limit"] = PAGE_ROWS.into();
        let mut rows: Vec<Value> = vec![];
        let mut first: Option<Value> = None;
        loop {
            let mut page = self.ask(operation, &fields).await?;
            rows.extend(page[member].as_array_mut().map(std::mem::take).unwrap_or_default());
            let next = page["next"].take();
            let answer = first.get_or_insert_with(|| page.clone());
            if !page["closing"].is_null() {
                answer["closing"] = page["closing"].take();
            }
            if next.is_null() {
                answer[member] = rows.into();
                answer["next"] = Value::Null;
                return Ok(answer.take());
            }
            fields["after"] = next;
        }
    }
}

/// Ends a command by what its door said: a refusal and an unknown outcome have exit codes of their own.
///
/// # Errors
/// What is neither: with advice.
pub fn ended(result: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    let error = match result.map_err(anyhow::Error::downcast::<DoorError>) {
        Ok(code) => return Ok(code),
        Err(Err(other)) => return Err(other),
        Err(Ok(error)) => error,
    };
    match &error {
        DoorError::Refused { code, message } => {
            say(format!("refused: {code} {message}"));
            Ok(ExitCode::from(EXIT_NO))
        }
        DoorError::Unknown(why) => {
            say(format!("the outcome is not known: {why}"));
            say("hint: every step may be repeated with the same reference; the second time has no second effect");
            Ok(ExitCode::from(EXIT_UNKNOWN))
        }
        DoorError::Token(_) => Err(advised_because(
            error,
            "not admitted",
            "name the ready file of the running gateway with --ready, or the gateway's token file with --token-file",
        )),
        DoorError::Closed { .. } => Err(advised_because(
            error,
            "the operator's door is closed",
            "start a gateway with `gerbang sandbox`, or name its door with --operator and --token-file",
        )),
    }
}

/// Writes an answer to a file, or says where it cannot be written.
///
/// # Errors
/// With the file's name.
pub fn write_output(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
