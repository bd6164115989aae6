//! `reconcile.import`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::{ImportRefused, SettlementImport};

use super::{day, file};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{FILE_NAME_MAX, MAPPING_MAX, SETTLEMENT_TEXT_MAX, SOURCE_MAX},
    operation::{Answer, Operation},
};

/// Imports a settlement file.
pub static OPERATION: Operation = Operation {
    name: "reconcile.import",
    promise: "Imports a provider's settlement file: every line, and everything that the file should have held, ends in \
              one bucket. What both sides agree about is posted; the rest waits as exceptions. The same content again \
              changes nothing, under whatever name; an import that ended half-way is finished by importing again.",
    fields: &[
        Field::mandatory("provider", Kind::Text(SOURCE_MAX), "Whose file: the name of its connector."),
        Field::mandatory("name", Kind::Text(FILE_NAME_MAX), "What the file is called."),
        Field::mandatory("content", Kind::Text(SETTLEMENT_TEXT_MAX), "The file, in Base64."),
        Field::optional("day", Kind::Text(10), "The business day that it is about; that of most lines if left out."),
        Field::optional(
            "mapping",
            Kind::Lines(MAPPING_MAX),
            "How it looks, in TOML; as the connector says if left out.",
        ),
        Field::optional(
            "fee_basis_points",
            Kind::Number(10_000),
            "What the provider keeps of a payment by contract, in hundredths of a percent; if left out, whatever the file \
             says is right.",
        ),
    ],
    sample: r#"{"provider":"wallet","name":"settlement-2026-11-21.csv","content":"YXQsYW1vdW50Cg=="}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let bytes = STANDARD
        .decode(input.text("content")?)
        .map_err(|_| Fault::field("content", "it must be the file in Base64"))?;
    let provider = input.text("provider")?;
    let import = SettlementImport {
        provider: provider.clone(),
        name: input.text("name")?,
        by: input.operator().to_owned(),
        bytes,
        mapping: input.optional_text("mapping"),
        day: day(&input, "day")?,
        fee_basis_points: input.number("fee_basis_points").and_then(|points| u32::try_from(points).ok()),
    };
    let imported = door.engine.import_settlement(import).await.map_err(|refused| match refused {
        ImportRefused::ProviderUnknown => Fault::not_found(format_args!("provider {provider}")),
        ImportRefused::Unreadable(fault) => Fault::new(400, "file_unreadable", fault.to_string()),
        ImportRefused::DayUnknown => Fault::field("day", "a file without lines does not say which day it is about"),
        ImportRefused::Unfinished => Fault::new(503, "import_unfinished", "not all of it was kept; import it again"),
    })?;
    let mut answer = file(&imported.file);
    answer["known_before"] = imported.known_before.into();
    Ok(Answer::Json(answer))
}
