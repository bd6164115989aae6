//! `gerbang bundle`: everything about one case in one file, and the same case played again.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use engine::CrashPoint;
use lifecycle::{Key, MerchantCode, ProductCode, Row};
use serde_json::{Value, json};

use super::runtime;
use crate::{
    EXIT_NO,
    demo::{self, Journey, Shop},
    operator_door::DoorCommand,
    output::{advised, data, say},
    replay::{Bundle, Script},
    sandbox::{Folder, Sandbox, SandboxOptions, write_whole},
    table::{Table, left},
};

/// How often the clock is turned, at most, until the case is decided.
const TURNS_MAX: usize = 60;
/// By how much, in seconds.
const TURN_SECONDS: u32 = 120;
/// How long the gateway has for what became due, in milliseconds.
const TURN_MS: u64 = 300;

/// Gather everything about one payment, refund or bill in one file, or play such a file again
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "A bundle holds the case's state, the merchant's calls, every message exchanged with providers and with
the merchant, notifications, ledger entries, refunds and rulings, as JSON, without secrets.

A replay makes the same payment or bill in a fresh sandbox. Providers give the answers of the bundle, each once, and
are imitated when these have run out; the clock is turned until the case is decided. Exit code 0 if it ends as it
did, 3 if not.

Examples:
  gerbang bundle pay_01JD2N3B4C5D6E7F8G9HJKMNPQ --output case.json
  gerbang bundle TX01JD2N3B4C5D6E7F8G9HJKMNPQ | jq .exchanges
  gerbang bundle replay case.json"
)]
pub struct Args {
    /// The payment, the refund or the bill, by its id; a bill also by its `ref_id`
    case: Option<String>,
    /// Write the bundle here instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    door: DoorCommand,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Play a bundle's case again, against the imitated providers
    Replay {
        /// The bundle
        file: PathBuf,
        /// Print what was said and how it ended as JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match (arguments.action, arguments.case) {
        (Some(Action::Replay { file, json }), _) => replay(&file, json),
        (None, Some(case)) => gather(&case, arguments.output.as_ref(), &arguments.door),
        (None, None) => Err(advised("no case is named", "name a payment, a refund or a bill by its id")),
    }
}

fn gather(case: &str, output: Option<&PathBuf>, door: &DoorCommand) -> anyhow::Result<ExitCode> {
    door.run(async |door| {
        let bundle = door.ask("bundle.make", &json!({ "case": case })).await?;
        let text = serde_json::to_string_pretty(&bundle)?;
        match output {
            Some(file) => {
                write_whole(file, text.as_bytes())?;
                let count = |member: &str| bundle[member].as_array().map_or(0, Vec::len);
                say(format!(
                    "{}: {} is {}; {} calls, {} exchanges, {} notifications, {} entries",
                    file.display(),
                    bundle["case"]["id"].as_str().unwrap_or(case),
                    bundle["case"]["state"].as_str().unwrap_or("?"),
                    count("calls"),
                    count("exchanges"),
                    count("notifications"),
                    count("entries"),
                ));
            }
            None => data(text),
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn replay(file: &PathBuf, as_json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let bundle = Bundle::read(&text)?;
    let script = Script::new();
    let ended = runtime()?.block_on(play(&bundle, &script))?;
    let wanted = bundle.text("state").unwrap_or("?");
    let same = ended == wanted;
    if as_json {
        let said = script
            .said()
            .into_iter()
            .map(|said| json!({ "with": said.with, "asked": said.asked, "recorded": said.recorded }));
        let said: Vec<Value> = said.collect();
        let report = json!({
            "ended": wanted, "replayed": ended, "same": same, "said": said, "not_asked_for": script.left(),
        });
        data(serde_json::to_string_pretty(&report)?);
    } else {
        let mut table = Table::new(&[left("with"), left("asked"), left("answered")]);
        for said in script.said() {
            let answered = said.recorded.map_or("by the imitation".to_owned(), |told| format!("as recorded: {told}"));
            table.row([said.with, said.asked, answered]);
        }
        data(table.text());
        let left = script.left();
        if left > 0 {
            data(format!("{left} recorded exchanges were not asked for"));
        }
        data(format!("it ended {wanted}; played again it ended {ended}"));
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
}

/// Makes the case in a fresh sandbox; gives the state in which it ends.
async fn play(bundle: &Bundle, script: &Arc<Script>) -> anyhow::Result<String> {
    let scratch = tempfile::Builder::new().prefix("gerbang-replay-").tempdir().context("make a temporary folder")?;
    let folder = Folder::new(scratch.path());
    let store = crate::keeping::StoreUrl::of_file(&folder.database());
    let options = SandboxOptions {
        folder,
        store,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        merchant_callback: None,
        providers_elsewhere: false,
        products: vec![],
        lease_seconds: None,
        store_free_bytes_min: None,
        network: Some(script.clone()),
        crash_point: CrashPoint::default(),
    };
    let sandbox = Sandbox::start(options).await?;
    let ended = {
        let mut journey = Journey::new(&sandbox, 0, "en", false)?;
        let key = match bundle.text("kind") {
            Some("payment") => payment(bundle, script, &mut journey).await?,
            Some("bill") => bill(bundle, script, &mut journey).await?,
            kind => anyhow::bail!("a case of kind {kind:?} cannot be played"),
        };
        decided(&sandbox, &key, bundle, script).await?
    };
    sandbox.stop().await?;
    Ok(ended)
}

/// Turns the clock until the case is where it was, with every recorded answer given, or is decided.
async fn decided(sandbox: &Sandbox, key: &Key, bundle: &Bundle, script: &Script) -> anyhow::Result<String> {
    let mut state = state_of(sandbox, key)?;
    for _ in 0..TURNS_MAX {
        let as_it_was = script.left() == 0 && bundle.text("state") == Some(state);
        if as_it_was || matches!(state, "succeeded" | "succeeded_late" | "failed" | "reversed" | "nothing") {
            break;
        }
        sandbox.advance(TURN_SECONDS)?;
        tokio::time::sleep(Duration::from_millis(TURN_MS)).await;
        state = state_of(sandbox, key)?;
    }
    Ok(state.to_owned())
}

fn state_of(sandbox: &Sandbox, key: &Key) -> anyhow::Result<&'static str> {
    Ok(match sandbox.row(key)? {
        Some(Row::Payment(payment)) => payment.status.name(),
        Some(Row::Bill(bill)) => bill.status.name(),
        _ => "nothing",
    })
}

async fn payment(bundle: &Bundle, script: &Script, journey: &mut Journey<'_>) -> anyhow::Result<Key> {
    let product = bundle.text("product").context("the payment never had a product: there is nothing to play")?;
    let amount = bundle.text("amount").context("the bundle names no amount")?;
    let partner = journey.partner_id().to_owned();
    let reference = journey.reference("REPLAY");
    let mut fields = json!({
        "partnerReferenceNo": reference, "merchantId": partner, "subMerchantId": journey.client.merchant().api_key,
        "amount": {"value": amount, "currency": "IDR"},
        "urlParam": {"url": journey.shop(), "type": "PAY_RETURN", "isDeeplink": "N"},
        "additionalInfo": {"productCode": product},
    });
    let linked = bundle.case["linked"].as_bool().unwrap_or_default();
    if linked {
        let link = demo::link(journey, product).await?;
        let (_, tokens) = link.with_context(|| format!("the sandbox could not link an account for {product}"))?;
        fields["additionalInfo"]["bankCardToken"] = tokens.card.into();
    }
    let expected = money::Amount::parse_snap(amount).map_err(|error| anyhow::anyhow!("amount {amount}: {error}"))?;
    journey.merchant.expect(&partner, &reference, expected);
    script.begin(bundle);
    let sent = journey.send("pay", "payment_host_to_host", &fields, &["2005400"]).await?;
    if !linked && let Some(url) = sent.text("webRedirectUrl") {
        journey.visit("payment page", &url, |_| true).await;
    }
    Ok(Key::PaymentByReference(MerchantCode::new(partner), reference))
}

async fn bill(bundle: &Bundle, script: &Script, journey: &mut Journey<'_>) -> anyhow::Result<Key> {
    let text = |member: &str| bundle.text(member).with_context(|| format!("the bundle names no {member}"));
    let (product, order) = (text("product")?.to_owned(), text("order_id")?.to_owned());
    let mut fields = vec![("product_code", product.clone()), ("order_id", order.clone())];
    let additional = bundle.case["additional"].as_array().cloned().unwrap_or_default();
    let additional: serde_json::Map<String, Value> =
        additional.into_iter().filter_map(|one| one.as_object().cloned()).flatten().collect();
    if !additional.is_empty() {
        fields.push(("additional_data", Value::Object(additional).to_string()));
    }
    script.begin(bundle);
    let seller = journey.seller(Shop::Deposit).clone();
    let inquired = seller.send("bill_inquiry", &fields).await?;
    match inquired.text("amount") {
        amount if !amount.is_empty() => {
            fields.push(("amount", amount));
            fields.push(("data", inquired.body["data"].to_string()));
        }
        _ => fields.push(("amount", bundle.case["amount"].as_str().unwrap_or_default().to_owned())),
    }
    seller.send("bill_payment", &fields).await?;
    let merchant = MerchantCode::new(seller.sender_id());
    Ok(Key::BillByOrder(merchant, ProductCode::new(product), order))
}
