//! `gerbang merchant`: merchants, their keys, products and deposits, over the operator's door.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{
    operator_door::DoorCommand,
    table::{Table, cell, left, money, right, typed_rupiah},
};

/// Register merchants, change what they may do, and fill their deposits
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang merchant add WARUNG --name 'Warung Ibu Sri' --deposit --low-balance 100000
  gerbang merchant deposit add WARUNG --amount 1000000 --reference TRF-0001
  gerbang merchant deposit confirm WARUNG --amount 1000000 --reference TRF-0001
  gerbang merchant products WARUNG --category pln_prepaid
  gerbang merchant show WARUNG --json

Amounts are whole rupiah. The commands speak to the operator's door of a running gateway: that of
the ready file, or the one that --operator and --token-file name.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Register a merchant; its passwords and keys are made and shown once
    Add(Box<AddArgs>),
    /// List the merchants
    List(DoorCommand),
    /// Show a merchant: what it may do, what it can spend, what it has not paid
    Show(OneArgs),
    /// Change a merchant's keys or passwords; what is new is shown once
    Keys(KeysArgs),
    /// Show what a merchant may sell and what it costs, and change both
    Products(ProductsArgs),
    /// Fill a merchant's deposit, in two steps: add, then confirm
    Deposit {
        #[command(subcommand)]
        step: Step,
    },
    /// Refuse a merchant's calls, or take them again
    Suspend(SuspendArgs),
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("can").required(true).multiple(true))]
struct AddArgs {
    /// Its code: letters, digits, -, _ and .
    merchant: String,
    /// Its name
    #[arg(long)]
    name: String,
    /// It sells bills and pays them from a deposit
    #[arg(long, group = "can", conflicts_with = "invoicing")]
    deposit: bool,
    /// It sells bills and pays them by invoice
    #[arg(long, group = "can", requires = "credit_limit")]
    invoicing: bool,
    /// With a deposit: warn it when less than this is available
    #[arg(long, value_name = "RUPIAH", value_parser = typed_rupiah, requires = "deposit")]
    low_balance: Option<String>,
    /// By invoice: the most that it may owe
    #[arg(long, value_name = "RUPIAH", value_parser = typed_rupiah, requires = "invoicing")]
    credit_limit: Option<String>,
    /// By invoice: days to pay one
    #[arg(long, value_name = "DAYS", requires = "invoicing")]
    payment_days: Option<u32>,
    /// `sender_id` of its calls, where that is not its code
    #[arg(long)]
    sender_id: Option<String>,
    /// User name of its calls, where that is not its code in small letters
    #[arg(long)]
    username: Option<String>,
    /// Bills that it may sell (default: all); may be given again
    #[arg(long = "product", value_name = "CODE")]
    products: Vec<String>,
    /// It links and charges wallets, and signs with this key, PEM; may be given twice
    #[arg(long = "public-key", value_name = "FILE", group = "can")]
    public_keys: Vec<PathBuf>,
    /// Origins that a redirect may lead to; may be given again
    #[arg(long = "redirect-origin", value_name = "ORIGIN")]
    redirect_origins: Vec<String>,
    /// A payment that succeeds after it was told to have failed is its own, and it delivers; else the customer gets the
    /// money back
    #[arg(long)]
    accept_late_success: bool,
    /// Where it is asked before a payment
    #[arg(long, value_name = "URL")]
    inquiry_url: Option<String>,
    /// Where it hears of payments
    #[arg(long, value_name = "URL")]
    payment_url: Option<String>,
    /// Where it hears of links
    #[arg(long, value_name = "URL")]
    binding_url: Option<String>,
    /// Where it is warned of a low deposit
    #[arg(long, value_name = "URL")]
    low_balance_url: Option<String>,
    /// Where it is told of bills that were decided late
    #[arg(long, value_name = "URL")]
    bill_url: Option<String>,
    /// Where it is told what came of refunds and cancellations
    #[arg(long, value_name = "URL")]
    refund_url: Option<String>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct OneArgs {
    /// Its code
    merchant: String,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true))]
struct KeysArgs {
    /// Its code
    merchant: String,
    /// A new key of the hash signature, beside the one before
    #[arg(long, group = "change")]
    new_signature_key: bool,
    /// Only the newest key of the hash signature from now on
    #[arg(long, group = "change")]
    drop_old_signature_key: bool,
    /// Both passwords of the biller services anew
    #[arg(long, group = "change")]
    new_passwords: bool,
    /// This public key, PEM, beside the one before
    #[arg(long, value_name = "FILE", group = "change")]
    add_public_key: Option<PathBuf>,
    /// Only the newest public key from now on
    #[arg(long, group = "change")]
    drop_old_public_key: bool,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct ProductsArgs {
    /// Its code
    merchant: String,
    /// It may sell this from now on, and nothing else; may be given again
    #[arg(long = "product", value_name = "CODE", conflicts_with = "all")]
    products: Vec<String>,
    /// It may sell everything from now on
    #[arg(long)]
    all: bool,
    /// Agree on a price: JSON like {"product":"SVHTS50","admin_fee":"3500.00","margin":"500.00"}; may be given again
    #[arg(long = "price", value_name = "JSON")]
    prices: Vec<String>,
    /// Only products of this category
    #[arg(long)]
    category: Option<String>,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Subcommand)]
enum Step {
    /// Announce a top-up: nothing is posted yet
    Add(StepArgs),
    /// The money of an announced top-up is there: post it
    Confirm(StepArgs),
}

#[derive(clap::Args)]
struct StepArgs {
    /// The merchant's code
    merchant: String,
    /// How much; the same in both steps
    #[arg(long, value_name = "RUPIAH", value_parser = typed_rupiah)]
    amount: String,
    /// The reference of the bank transfer: a repeat has no second effect
    #[arg(long)]
    reference: String,
    #[command(flatten)]
    door: DoorCommand,
}

#[derive(clap::Args)]
struct SuspendArgs {
    /// Its code
    merchant: String,
    /// Take its calls again
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    door: DoorCommand,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Add(add) => add.door.ask("merchant.add", add.fields()?, added),
        Action::List(door) => door.ask_all("merchant.list", json!({}), "merchants", listed),
        Action::Show(one) => one.door.ask("merchant.show", json!({"merchant": one.merchant}), shown),
        Action::Keys(keys) => keys.door.ask("merchant.keys", keys.fields()?, changed),
        Action::Products(products) => {
            products.door.ask_all("merchant.products", products.fields()?, "products", priced)
        }
        Action::Deposit { step: Step::Add(step) } => step.door.ask("deposit.request", step.fields(), topped_up),
        Action::Deposit { step: Step::Confirm(step) } => step.door.ask("deposit.confirm", step.fields(), topped_up),
        Action::Suspend(SuspendArgs { merchant, lift, door }) => {
            let fields = json!({"merchant": merchant, "suspended": !lift});
            door.ask("merchant.suspend", fields, |answer| match answer["suspended"].as_bool() {
                Some(true) => format!("{merchant} is suspended: its calls are refused"),
                _ => format!("{merchant} may call"),
            })
        }
    }
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

impl AddArgs {
    fn fields(&self) -> anyhow::Result<Value> {
        let mechanism = match (self.deposit, self.invoicing) {
            (true, _) => Some("deposit"),
            (_, true) => Some("invoicing"),
            _ => None,
        };
        let mut fields = json!({
            "merchant": self.merchant, "name": self.name, "mechanism": mechanism, "low_balance": self.low_balance,
            "credit_limit": self.credit_limit, "payment_days": self.payment_days, "sender_id": self.sender_id,
            "username": self.username, "inquiry_url": self.inquiry_url, "payment_url": self.payment_url,
            "binding_url": self.binding_url, "low_balance_url": self.low_balance_url, "bill_url": self.bill_url,
            "refund_url": self.refund_url, "accept_late_success": self.accept_late_success,
        });
        let keys = self.public_keys.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        for (name, texts) in
            [("products", &self.products), ("public_keys", &keys), ("redirect_origins", &self.redirect_origins)]
        {
            if !texts.is_empty() {
                fields[name] = texts.clone().into();
            }
        }
        Ok(fields)
    }
}

impl KeysArgs {
    fn fields(&self) -> anyhow::Result<Value> {
        let change = match () {
            () if self.new_signature_key => "new_signature_key",
            () if self.drop_old_signature_key => "drop_old_signature_key",
            () if self.new_passwords => "new_passwords",
            () if self.drop_old_public_key => "drop_old_public_key",
            () => "add_public_key",
        };
        let public_key = self.add_public_key.as_ref().map(read).transpose()?;
        Ok(json!({"merchant": self.merchant, "change": change, "public_key": public_key}))
    }
}

impl ProductsArgs {
    fn fields(&self) -> anyhow::Result<Value> {
        let prices = self.prices.iter().map(|text| serde_json::from_str::<Value>(text).context("read a price"));
        let mut fields = json!({
            "merchant": self.merchant, "category": self.category, "all_products": self.all.then_some(true),
            "prices": prices.collect::<anyhow::Result<Vec<_>>>()?,
        });
        if !self.products.is_empty() {
            fields["products"] = self.products.clone().into();
        }
        Ok(fields)
    }
}

impl StepArgs {
    fn fields(&self) -> Value {
        json!({"merchant": self.merchant, "amount": self.amount, "reference": self.reference})
    }
}

/// What is shown once, a line each.
fn secrets(biller: &Value) -> String {
    let members = biller.as_object().into_iter().flatten();
    let lines: Vec<String> =
        members.map(|(name, value)| format!("{name:<16} {}", value.as_str().unwrap_or("-"))).collect();
    lines.join("\n")
}

fn added(answer: &Value) -> String {
    let mut text = format!("{} is registered. What follows is not shown again.", cell(answer, "merchant"));
    if let Some(key) = answer["api_key"].as_str() {
        text.push_str(&format!("\n{:<16} {key}", "api_key"));
    }
    format!("{text}\n{}", secrets(&answer["biller"])).trim_end().to_owned()
}

fn changed(answer: &Value) -> String {
    let (keys, public) = (cell(answer, "signature_keys"), cell(answer, "public_keys"));
    let text = format!("live: {keys} keys of the hash signature, {public} public keys");
    match &answer["biller"] {
        Value::Null => text,
        made => format!("{text}\nWhat follows is not shown again.\n{}", secrets(made)),
    }
}

fn listed(answer: &Value) -> String {
    let mut table = Table::new(&[left("merchant"), left("name"), left("bills"), right("wallets"), left("suspended")]);
    for row in answer["merchants"].as_array().into_iter().flatten() {
        table.row(["merchant", "name", "biller", "wallet_products", "suspended"].map(|member| cell(row, member)));
    }
    table.text()
}

fn shown(answer: &Value) -> String {
    let mut lines = vec![
        format!("merchant         {} {}", cell(answer, "merchant"), cell(answer, "name")),
        format!("suspended        {}", cell(answer, "suspended")),
        format!("public keys      {}", cell(answer, "public_keys")),
    ];
    for (name, value) in answer["callbacks"].as_object().into_iter().flatten() {
        lines.extend(value.as_str().map(|url| format!("{:<16} {url}", name.replace('_', " "))));
    }
    let biller = &answer["biller"];
    if biller.is_object() {
        let standing = &biller["standing"];
        lines.extend([
            format!("sells bills by   {}", cell(biller, "mechanism")),
            format!("sender_id        {}, user {}", cell(biller, "sender_id"), cell(biller, "username")),
            format!("signature keys   {}", cell(biller, "keys")),
            format!("account          {}", cell(standing, "account")),
            format!("balance          {}", money(standing, "balance")),
            format!("held for bills   {}", money(standing, "held")),
            format!("available        {}", money(standing, "available")),
        ]);
        for (member, words) in [("low_balance", "warned below    "), ("credit_limit", "credit limit    ")] {
            if biller[member].is_string() {
                lines.push(format!("{words} {}", money(biller, member)));
            }
        }
        for open in biller["invoices"]["open"].as_array().into_iter().flatten() {
            lines.push(format!("unpaid invoice   {}, due {}", cell(open, "invoice"), cell(open, "due_at")));
        }
    }
    lines.join("\n")
}

fn priced(answer: &Value) -> String {
    let mut table = Table::new(&[
        left("product"),
        left("name"),
        left("category"),
        left("inquiry"),
        right("admin fee"),
        right("bp"),
        right("our fee"),
        right("margin"),
        left("agreed"),
    ]);
    for row in answer["products"].as_array().into_iter().flatten() {
        let [product, name, category, inquiry] =
            ["product", "name", "category", "needs_inquiry"].map(|member| cell(row, member));
        let (fee, bp) = (money(row, "admin_fee"), cell(row, "admin_fee_bp"));
        table.row([
            product,
            name,
            category,
            inquiry,
            fee,
            bp,
            money(row, "fee"),
            money(row, "margin"),
            cell(row, "agreed"),
        ]);
    }
    table.text()
}

fn topped_up(answer: &Value) -> String {
    let (amount, reference, state) = (money(answer, "amount"), cell(answer, "reference"), cell(answer, "state"));
    let mut text = format!("top-up of {amount} under {reference}: {state}");
    if answer["state"] == "requested" {
        text.push_str("; `gerbang merchant deposit confirm` posts it once the money is there");
    }
    let deposit = &answer["deposit"];
    format!("{text}\n{}: {} available", cell(deposit, "account"), money(deposit, "available"))
}
