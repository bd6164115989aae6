//! `source.float`

use calendar::Instant;
use ledger::{AccountName, Class};
use serde_json::{Value, json};

use super::{SOURCE, fault};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    limits::READ_ROWS,
    operation::{Answer, Operation},
    view,
};

/// Asks for a float.
pub static OPERATION: Operation = Operation {
    name: "source.float",
    promise: "Asks a source what is left of our money there, and shows it beside the ledger's float of all merchants. The \
              ledger does not know what was paid in at a source, so what counts is `moved`: by how much the difference \
              changed since this gateway last asked. It is a top-up there, bills under way, or something to look into. \
              Nothing is posted.",
    fields: &[SOURCE],
    sample: r#"{"source":"kiosk"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

/// What a source and the ledger said, in sen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared {
    at: Instant,
    source: i128,
    ledger: i128,
}

impl Compared {
    fn difference(self) -> i128 {
        self.source - self.ledger
    }

    fn view(self) -> Value {
        json!({
            "at": view::time(self.at),
            "float": view::sen_text(self.source),
            "ledger": view::sen_text(self.ledger),
            "difference": view::sen_text(self.difference()),
        })
    }
}

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let source = input.text("source")?;
    let said = door.engine.source_float(&source).await.map_err(|unanswered| fault(&source, unanswered))?;
    let ledger = ledger_float(door, &source).await?;
    let now = Compared { at: door.engine.now(), source: said.sen().into(), ledger };
    let before = door.floats.lock().await.insert(source.clone(), now);
    let mut answer = now.view();
    answer["source"] = source.into();
    answer["before"] = before.map_or(Value::Null, Compared::view);
    let moved = before.map(|before| now.difference() - before.difference());
    answer["moved"] = moved.map_or(Value::Null, |moved| view::sen_text(moved).into());
    Ok(Answer::Json(answer))
}

/// What the ledger says is at a source, in sen: every merchant's part.
async fn ledger_float(door: &Door, source: &str) -> Result<i128, Fault> {
    let mut sum = 0;
    let mut after: Option<AccountName> = None;
    loop {
        let asked = after.clone();
        let page = door.read(move |reader| reader.accounts(asked.as_ref(), READ_ROWS)).await?;
        let is_float = |name: &AccountName| name.class() == Class::ProviderFloat && name.provider() == Some(source);
        let floats = page.iter().filter(|account| is_float(&account.name));
        sum += floats.map(|account| i128::from(account.balance)).sum::<i128>();
        after = page.last().map(|account| account.name.clone());
        if page.len() < READ_ROWS {
            return Ok(sum);
        }
    }
}
