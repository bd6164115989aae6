//! `gerbang biller`: sell bills from the command line, as a merchant does: signed, and honest about what is known.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use protocol::hash::{self, HashAids, Part};
use serde_json::Value;

use super::{DATA_DIR, runtime};
use crate::{
    EXIT_FAILED, EXIT_NO, EXIT_UNKNOWN,
    output::{advised, data, say},
    sandbox::{Folder, Ready, ReadyBiller},
    seller::{BillOutcome, BillSent, Seller},
    table::{Table, left, right},
};

/// Sell bills as a merchant: list products, inquire, pay, ask for the status, read the balance
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang biller products
  gerbang biller inquire SLYLPR200 520520795556
  gerbang biller pay SLYLPR200 520520795556
  gerbang biller pay SVHGJ000 081218816222 --additional '{\"amount\":\"10000000\"}'
  gerbang biller pay STBIDV 401101338833 --amount 1000000
  gerbang biller status TX01HRXW8Z3M4N5P6Q7R8S9T0V1W
  gerbang biller balance --invoiced
  gerbang biller explain biller_balance --form 'rq_uuid=U1&sender_id=SANDBOX&signature=9d6e...'

Amounts are hundredths of a rupiah, as on the wire: 20250000 is Rp 202.500. `pay` without --amount
inquires first and pays what is due. Exit codes: 0 done; 3 refused, nothing was begun; 5 failed, known
not to have been paid; 4 in process or unknown: ask with `gerbang biller status`, do not pay again.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the products that the merchant may sell, with their prices
    Products(SellerArgs),
    /// Ask what is due: locks the amount for 15 minutes
    Inquire(BillArgs),
    /// Pay a bill or buy a product
    Pay(PayArgs),
    /// Ask what became of a payment
    Status(StatusArgs),
    /// Read what is left of the deposit
    Balance(SellerArgs),
    /// Sign a form of your own, offline
    Sign(FormArgs),
    /// Say what is wrong with the signature of a form, offline; exit code 3 when it is not right
    Explain(FormArgs),
}

#[derive(clap::Args)]
struct FormArgs {
    /// The service: biller_products, bill_inquiry, bill_payment, bill_status, biller_balance
    service: String,
    /// The form as it is sent: rq_uuid=...&sender_id=...; @FILE for a file
    #[arg(long, value_name = "FORM")]
    form: String,
    #[command(flatten)]
    seller: SellerArgs,
}

/// Which merchant to be.
#[derive(clap::Args)]
struct SellerArgs {
    /// The ready file of a running sandbox (default: that of the sandbox in ./gerbang-sandbox)
    #[arg(long, alias = "ready-file", value_name = "FILE", env = "GERBANG_READY_FILE")]
    ready: Option<PathBuf>,
    /// Be the ready file's merchant that pays by invoice
    #[arg(long)]
    invoiced: bool,
    /// The gateway's address, instead of a ready file's
    #[arg(long, value_name = "URL", requires = "credentials")]
    base_url: Option<String>,
    /// A file of JSON with sender_id, username, basic_password, password and key, as `gerbang merchant add --json` has
    /// them under `biller`
    #[arg(long, value_name = "FILE", conflicts_with = "invoiced")]
    credentials: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct BillArgs {
    /// The product's code
    product: String,
    /// The customer's number: phone, meter, card, contract
    order: String,
    /// What the product wants besides, as JSON
    #[arg(long, value_name = "JSON")]
    additional: Option<String>,
    #[command(flatten)]
    seller: SellerArgs,
}

#[derive(clap::Args)]
struct PayArgs {
    /// What is paid, in hundredths of a rupiah; without it the bill is inquired first
    #[arg(long, value_name = "HUNDREDTHS")]
    amount: Option<u64>,
    #[command(flatten)]
    bill: BillArgs,
}

#[derive(clap::Args)]
struct StatusArgs {
    /// The payment's ref_id
    #[arg(required_unless_present = "order")]
    ref_id: Option<String>,
    /// Instead of it, the customer's number, for a payment that was never answered
    #[arg(long, requires = "product", conflicts_with = "ref_id")]
    order: Option<String>,
    /// The product of --order
    #[arg(long, value_name = "CODE", requires = "order")]
    product: Option<String>,
    #[command(flatten)]
    seller: SellerArgs,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        match arguments.action {
            Action::Products(seller) => {
                let sent = seller.open()?.send("biller_products", &[]).await?;
                Ok(seller.tell(&sent, products))
            }
            Action::Balance(seller) => {
                let sent = seller.open()?.send("biller_balance", &[]).await?;
                let whole = |body: &Value, name: &str| rupiah(&format!("{}00", member(body, name)));
                Ok(seller.tell(&sent, |body| {
                    format!("balance   {}\nreserved  {}", whole(body, "balance"), whole(body, "reserved"))
                }))
            }
            Action::Inquire(bill) => {
                let sent = bill.seller.open()?.send("bill_inquiry", &bill.fields()).await?;
                Ok(bill.seller.tell(&sent, bill_lines))
            }
            Action::Pay(pay) => pay.run().await,
            Action::Status(status) => {
                let sent = status.seller.open()?.send("bill_status", &status.fields()).await?;
                Ok(status.seller.tell(&sent, bill_lines))
            }
            Action::Sign(form) => form.sign(),
            Action::Explain(form) => form.explain(),
        }
    })
}

impl FormArgs {
    fn pairs(&self) -> anyhow::Result<Vec<(String, String)>> {
        let text = match self.form.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file).with_context(|| format!("read {file}"))?,
            None => self.form.clone(),
        };
        Ok(form_urlencoded::parse(text.trim().as_bytes()).into_owned().collect())
    }

    /// The fields that are signed, in their order.
    fn signed(&self) -> anyhow::Result<&'static [&'static str]> {
        let services = || contract::operations().filter(|one| one.trust() == contract::Trust::Biller);
        let found = services().find(|one| one.name() == self.service).map(|one| one.signature_parts());
        found.ok_or_else(|| {
            let names: Vec<&str> = services().map(|one| one.name()).collect();
            advised(format!("there is no service {:?}", self.service), format!("there are {}", names.join(", ")))
        })
    }

    fn sign(&self) -> anyhow::Result<ExitCode> {
        let (signed, pairs, credentials) = (self.signed()?, self.pairs()?, self.seller.known()?.1);
        let values = signed.iter().map(|name| value(&pairs, name));
        say(format!("string to hash  {}", hash::string_to_hash(values.clone(), hash::KEY_MASK)));
        data(hash::sign(values, &credentials.key));
        Ok(ExitCode::SUCCESS)
    }

    fn explain(&self) -> anyhow::Result<ExitCode> {
        let (signed, pairs, credentials) = (self.signed()?, self.pairs()?, self.seller.known()?.1);
        let parts: Vec<Part<'_>> = signed.iter().map(|name| Part { name, value: value(&pairs, name) }).collect();
        let aids = HashAids {
            password: Some(&credentials.password),
            basic_password: Some(&credentials.basic_password),
            datetime: Some(value(&pairs, "rq_datetime")),
        };
        let explanation = hash::explain(&parts, &[&credentials.key], value(&pairs, "signature"), aids);
        match self.seller.json {
            true => data(serde_json::to_string_pretty(&explanation)?),
            false => data(explanation.to_string().trim_end()),
        }
        Ok(if explanation.verified { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

impl SellerArgs {
    fn open(&self) -> anyhow::Result<Seller> {
        let (base_url, credentials) = self.known()?;
        let base_url = base_url.ok_or_else(|| {
            advised("whose gateway is not known", "name it with --base-url, or a sandbox's ready file with --ready")
        })?;
        let ready = self.base_url.is_none().then(|| self.ready().ok()).flatten();
        let clock = ready.map_or_else(client::Clock::default, |ready| ready.clock());
        Seller::new(&base_url, credentials, clock)
    }

    /// The gateway's address, where it is known, and the credentials.
    fn known(&self) -> anyhow::Result<(Option<String>, ReadyBiller)> {
        match &self.credentials {
            Some(file) => {
                let base_url = self.base_url.clone().or_else(|| self.ready().ok().map(|ready| ready.base_url));
                Ok((base_url, credentials(file)?))
            }
            None => {
                let ready = self.ready()?;
                let credentials = if self.invoiced { ready.biller_invoiced } else { ready.biller };
                Ok((Some(ready.base_url), credentials))
            }
        }
    }

    fn ready(&self) -> anyhow::Result<Ready> {
        Ready::read(&self.ready.clone().unwrap_or_else(|| Folder::new(DATA_DIR.as_ref()).ready()))
    }

    /// Prints what came back, and says in words and by the exit code what is known.
    fn tell(&self, sent: &BillSent, people: impl FnOnce(&Value) -> String) -> ExitCode {
        if self.json {
            data(serde_json::to_string_pretty(&sent.body).unwrap_or_default());
        } else if matches!(sent.outcome, BillOutcome::Done | BillOutcome::InProcess) {
            data(people(&sent.body));
        }
        match &sent.outcome {
            BillOutcome::Done => ExitCode::SUCCESS,
            BillOutcome::InProcess => {
                say("in process: the biller is at work");
                say("hint: ask with `gerbang biller status`, do not pay again");
                ExitCode::from(EXIT_UNKNOWN)
            }
            BillOutcome::Refused { code, message } => {
                say(format!("refused, nothing was begun: {code} {message}"));
                explain(&sent.body);
                ExitCode::from(EXIT_NO)
            }
            BillOutcome::Failed { code, message } => {
                say(format!("failed, known not to have been paid: {code} {message}"));
                ExitCode::from(EXIT_FAILED)
            }
            BillOutcome::Unknown { why } => {
                say(format!("the outcome is not known: {why}"));
                say(
                    "hint: ask with `gerbang biller status`, by --order and --product where there is no ref_id; do not pay again",
                );
                ExitCode::from(EXIT_UNKNOWN)
            }
        }
    }
}

fn credentials(file: &PathBuf) -> anyhow::Result<ReadyBiller> {
    let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let mut value: Value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    // The whole answer of `gerbang merchant add --json` will do too.
    if value["biller"].is_object() {
        value = value["biller"].take();
    }
    serde_json::from_value(value).map_err(|error| {
        let what = format!("{} holds no credentials: {error}", file.display());
        advised(what, "it is JSON with sender_id, username, basic_password, password, key and mechanism")
    })
}

/// The sandbox's own explanation of a signature that did not match.
fn explain(body: &Value) {
    let debug = &body["debug"];
    if let Some(text) = debug["stringToHash"].as_str() {
        say(format!("the gateway hashes  {text}"));
    }
    if let Some(text) = debug["matches"]["hashedString"].as_str() {
        say(format!("you hashed          {text}"));
    }
    if let Some(text) = debug["matches"]["advice"].as_str() {
        say(format!("hint: {text}"));
    }
}

impl BillArgs {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let own = [("product_code", self.product.clone()), ("order_id", self.order.clone())];
        own.into_iter().chain(self.additional.clone().map(|text| ("additional_data", text))).collect()
    }
}

impl PayArgs {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let arguments = &self.bill.seller;
        let seller = arguments.open()?;
        let mut fields = self.bill.fields();
        match self.amount {
            Some(amount) => fields.push(("amount", amount.to_string())),
            None => {
                let inquired = seller.send("bill_inquiry", &fields).await?;
                if inquired.outcome != BillOutcome::Done {
                    return Ok(arguments.tell(&inquired, bill_lines));
                }
                say(format!("due: {}", rupiah(&inquired.text("amount"))));
                fields.push(("amount", inquired.text("amount")));
                fields.push(("data", inquired.body["data"].to_string()));
            }
        }
        let sent = seller.send("bill_payment", &fields).await?;
        Ok(arguments.tell(&sent, bill_lines))
    }
}

impl StatusArgs {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let named = [("ref_id", &self.ref_id), ("product_code", &self.product), ("order_id", &self.order)];
        named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

fn member(body: &Value, name: &str) -> String {
    match &body[name] {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Hundredths as people write rupiah.
fn rupiah(hundredths: &str) -> String {
    let amount = hundredths.parse().ok().and_then(|sen| money::Amount::from_sen(sen).ok());
    amount.map_or_else(|| hundredths.to_owned(), money::Amount::display_text)
}

fn bill_lines(body: &Value) -> String {
    let mut lines = vec![];
    for name in ["ref_id", "transaction_status", "order_id"] {
        if !body[name].is_null() {
            lines.push(format!("{name:<20} {}", member(body, name)));
        }
    }
    for name in ["amount", "bill_amount", "admin_fee"] {
        if !body[name].is_null() {
            lines.push(format!("{name:<20} {}", rupiah(&member(body, name))));
        }
    }
    for (name, value) in body["data"].as_object().into_iter().flatten() {
        lines.push(format!("  {name:<18} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    lines.join("\n")
}

fn products(body: &Value) -> String {
    let mut table = Table::new(&[
        left("product"),
        left("name"),
        left("category"),
        left("number"),
        left("inquiry"),
        right("amount"),
        right("admin fee"),
        left("open"),
    ]);
    for row in body["products"].as_array().into_iter().flatten() {
        let [code, name, category, number, inquiry, open] =
            ["product", "product_name", "category", "order_name", "inquiry", "open"].map(|name| member(row, name));
        let amount = match row["amount_type"].as_str() {
            Some("FIXED") => rupiah(&member(row, "amount")),
            Some("OPEN") => format!("from {}", rupiah(&member(row, "amount_min"))),
            _ => "what is due".into(),
        };
        table.row([code, name, category, number, inquiry, amount, rupiah(&member(row, "admin_fee")), open]);
    }
    table.text()
}
