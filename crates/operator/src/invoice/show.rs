//! `invoice.show`

use std::fmt::Write as _;

use lifecycle::invoice::Invoice;
use serde_json::{Value, json};

use super::{INVOICE, Line, lines, named, pdf, view as invoice_view};
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{CSV_LINES_MAX, PAGE_ROWS_MAX, PDF_LINES_MAX},
    operation::{Answer, Operation},
    view,
};

/// Shows an invoice with its lines.
pub static OPERATION: Operation = Operation {
    name: "invoice.show",
    promise: "Shows an invoice with its lines, which add up to its total to the sen. As JSON page by page; as CSV and as \
              PDF whole.",
    fields: &[
        INVOICE,
        Field::optional("format", Kind::Choice(&["json", "csv", "pdf"]), "`json` if left out."),
        Field::optional("after", Kind::Number(u64::MAX), "JSON: lines after this entry: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "JSON: lines of the page; 100 if left out."),
    ],
    sample: r#"{"invoice":"INV/2026/11/KREDIT/1","format":"pdf"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let invoice = named(door, &input).await?;
    let format = input.optional_text("format").unwrap_or_else(|| "json".to_owned());
    if format != "json" && (input.has("after") || input.has("limit")) {
        return Err(Fault::field("format", "after and limit go with json"));
    }
    let file_name = |ending: &str| format!("{}.{ending}", invoice.number.replace('/', "-"));
    match format.as_str() {
        "csv" => {
            let lines = all_lines(door, &invoice, CSV_LINES_MAX).await?;
            Ok(Answer::File { content_type: "text/csv", name: file_name("csv"), bytes: csv(&lines).into_bytes() })
        }
        "pdf" => {
            let lines = all_lines(door, &invoice, PDF_LINES_MAX).await?;
            let name = door.engine.partner(invoice.merchant.as_str()).map(|partner| partner.merchant.name.clone());
            let head = pdf::Head {
                issuer: &door.options.issuer,
                merchant: name.as_deref().unwrap_or_default(),
                now: door.engine.now(),
            };
            let bytes = pdf::write(&invoice, &lines, &head);
            Ok(Answer::File { content_type: "application/pdf", name: file_name("pdf"), bytes })
        }
        _ => {
            let after = input.number("after").unwrap_or(0);
            let (lines, more) = lines(door, &invoice, after, page_rows(&input)).await?;
            let mut answer = invoice_view(&invoice, door.engine.now());
            answer["lines"] = lines.iter().map(line_view).collect();
            answer["next"] = match lines.last().filter(|_| more) {
                Some(last) => last.sequence.into(),
                None => Value::Null,
            };
            Ok(Answer::Json(answer))
        }
    }
}

async fn all_lines(door: &Door, invoice: &Invoice, limit: usize) -> Result<Vec<Line>, Fault> {
    match lines(door, invoice, 0, limit).await? {
        (lines, false) => Ok(lines),
        (_, true) => Err(Fault::conflict(
            "too_large",
            format!("it has more than {limit} lines; take them as JSON, page by page"),
        )),
    }
}

fn line_view(line: &Line) -> Value {
    json!({
        "ref_id": line.ref_id,
        "kind": line.kind.name(),
        "product": line.product,
        "order_id": line.order_id,
        "at": view::time(line.at),
        "amount": view::sen(line.amount),
        "fee": view::sen(line.fee),
        "margin": view::sen(line.margin),
        "total": view::sen(line.total()),
    })
}

/// RFC 4180, with a head line; money with a point and two decimals.
fn csv(lines: &[Line]) -> String {
    let mut out = String::from("ref_id,kind,product,order_id,at,amount,fee,margin,total\r\n");
    for line in lines {
        let texts = [line.ref_id.as_str(), line.kind.name(), &line.product, &line.order_id];
        for text in texts {
            out.push_str(&cell(text));
            out.push(',');
        }
        out.push_str(&line.at.wire_text());
        for sen in [line.amount, line.fee, line.margin, line.total()] {
            let _ = write!(out, ",{}", view::sen_text(sen.into()));
        }
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
