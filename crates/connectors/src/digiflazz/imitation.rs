//! Digiflazz played by us: repeats under one reference are questions, and bills are paid only after an inquiry of the same
//! day. Older references are remembered for ever: the trap of 90 days is the connector's to avoid.

use lifecycle::{
    Secret,
    biller::{BillerProduct, Category, Window},
};
use serde_json::{Map, Value, json};

use super::{
    test_numbers::{self, Ending, TestNumber},
    wire::{self, MeterInquiry, Question, Transaction},
};
use crate::{
    HttpRequest, HttpResponse,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        biller::{Biller, Brand, Failure, NewOrder, Order, Status},
        bills::{self, CustomerBill},
    },
};

/// A list is given out once in so many seconds.
const LIST_SECONDS: i64 = 5 * 60;

static BRAND: Brand = Brand { connector: "digiflazz", first: true, api, notice };

/// A Digiflazz with a fresh deposit of ours.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Biller::new(&BRAND, setup))
}

/// What a code of ours buys: a denomination in rupiah, or a bill of a category. Codes are the buyer's own there; these are
/// the ones of our products.
fn product(sku: &str) -> Option<(Category, Option<i64>)> {
    let digits = sku.trim_start_matches(|c: char| !c.is_ascii_digit());
    let thousands = digits.parse::<i64>().ok().filter(|thousands| (1..=100_000).contains(thousands));
    let name = sku.split('-').next()?;
    Some(match (name, thousands) {
        ("none", _) => return None,
        (name, Some(thousands)) if name.starts_with("pln") => (Category::PlnPrepaid, Some(thousands * 1_000)),
        (_, Some(thousands)) => (Category::MobilePrepaid, Some(thousands * 1_000)),
        ("pln", None) => (Category::PlnPostpaid, None),
        ("plnnontaglist", None) => (Category::PlnNonTaglis, None),
        ("bpjs" | "bpjstk" | "bpjstkpu", None) => (Category::BpjsKesehatan, None),
        ("pdam", None) => (Category::Pdam, None),
        ("hp", None) => (Category::MobilePostpaid, None),
        ("internet" | "indihome" | "telkom", None) => (Category::Internet, None),
        ("tv", None) => (Category::CableTv, None),
        ("multifinance", None) => (Category::Instalment, None),
        _ => (Category::EwalletTopup, None),
    })
}

/// What a denomination costs us: Rp 10,000 costs as much, less of it more, more of it less.
fn cost(face: i64) -> i64 {
    face * 98 / 100 + 200
}

/// What a bill takes of our deposit.
fn price(bill: &CustomerBill, test: Option<TestNumber>) -> i64 {
    test.and_then(TestNumber::price).unwrap_or_else(|| bill.total() - commission(bill))
}

/// What is published of an order that was played by it.
fn test_of(order: &Order) -> Option<TestNumber> {
    test_numbers::find(&order.sku, &order.order_id).filter(|_| order.played)
}

/// The share of the admin fee that is left to us.
fn commission(bill: &CustomerBill) -> i64 {
    bill.admin * 2 / 5
}

/// A refusal in its words: rc, message.
fn refusal(failure: Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::UnknownCustomer => ("54", "Nomor Tujuan Salah"),
        Failure::PaidAlready | Failure::NothingDue => ("60", "Tagihan belum tersedia"),
        Failure::CutOff => ("58", "Sedang Cut Off"),
        Failure::Unavailable => ("55", "Produk Sedang Gangguan"),
        Failure::OutOfStock => ("68", "Stok habis"),
        Failure::FloatShort => ("44", "Saldo tidak cukup"),
        Failure::Repeated => ("49", "Ref ID tidak unik"),
        Failure::NotInquired => ("50", "Transaksi Tidak Ditemukan"),
        Failure::Broken => ("02", "Transaksi Gagal"),
    }
}

fn answer(data: Value) -> HttpResponse {
    HttpResponse::json(200, json!({"data": data}).to_string())
}

fn failed(rc: &str, message: &str) -> HttpResponse {
    answer(json!({"rc": rc, "message": message, "status": "Gagal"}))
}

fn refused(message: &Transaction, failure: Failure) -> HttpResponse {
    if failure == Failure::Broken {
        return HttpResponse::json(500, "{}");
    }
    let (rc, text) = refusal(failure);
    refused_as(message, rc, text)
}

fn refused_as(message: &Transaction, rc: &str, text: &str) -> HttpResponse {
    answer(json!({
        "ref_id": message.ref_id, "customer_no": message.customer_no, "buyer_sku_code": message.buyer_sku_code,
        "message": text, "status": "Gagal", "rc": rc,
    }))
}

fn api(biller: &mut Biller, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    let reaction = match (request.method, request.path()) {
        ("POST", wire::TRANSACTION_PATH) => transaction(biller, request, surroundings),
        ("POST", wire::METER_PATH) => meter(biller, request).map(Reaction::from),
        ("POST", wire::BALANCE_PATH) => balance(biller, request).map(Reaction::from),
        ("POST", wire::PRICES_PATH) => prices(biller, request, surroundings).map(Reaction::from),
        _ => Err(HttpResponse::json(404, "{}")),
    };
    reaction.unwrap_or_else(Reaction::from)
}

fn message<T: serde::de::DeserializeOwned>(request: &HttpRequest) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body).map_err(|_| failed("40", "Payload Error"))
}

fn trusted(biller: &Biller, username: &str, suffix: &str, sign: &str) -> Result<(), HttpResponse> {
    if username != biller.setup.client_id {
        return Err(failed("42", "Gagal memproses API Buyer"));
    }
    if sign != wire::sign(username, &biller.setup.client_secret, suffix) {
        return Err(failed("41", "Signature tidak valid"));
    }
    Ok(())
}

fn balance(biller: &Biller, request: &HttpRequest) -> Result<HttpResponse, HttpResponse> {
    let message: Question = message(request)?;
    trusted(biller, &message.username, wire::BALANCE_SUFFIX, &message.sign)?;
    Ok(answer(json!({"deposit": biller.balance()})))
}

fn prices(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<HttpResponse, HttpResponse> {
    let message: Question = message(request)?;
    trusted(biller, &message.username, wire::PRICES_SUFFIX, &message.sign)?;
    let item: fn(&BillerProduct, &str) -> Option<Value> = match message.cmd.as_str() {
        wire::PREPAID => purchase_item,
        wire::POSTPAID => bill_item,
        _ => return Err(failed("40", "Payload Error")),
    };
    if biller.asked_too_soon(&message.cmd, LIST_SECONDS, surroundings.now()) {
        return Err(failed("83", "Limit pengecekan daftar harga"));
    }
    Ok(answer(biller.goods().into_iter().filter_map(|(listed, sku)| item(listed, sku)).collect()))
}

fn purchase_item(listed: &BillerProduct, sku: &str) -> Option<Value> {
    let (category, face) = product(sku)?;
    let time = |minute: fn(Window) -> u16| {
        let minute = listed.cut_off.map_or(0, minute);
        format!("{}:{}", minute / 60, minute % 60)
    };
    Some(json!({
        "product_name": listed.name, "category": if category == Category::PlnPrepaid { "PLN" } else { "Pulsa" },
        "brand": listed.operator.to_uppercase(), "type": "Umum", "seller_name": "SELLER", "price": cost(face?),
        "buyer_sku_code": sku, "buyer_product_status": true, "seller_product_status": true, "unlimited_stock": true,
        "stock": 0, "multi": true, "start_cut_off": time(|window| window.from_minute),
        "end_cut_off": time(|window| window.to_minute), "desc": "-",
    }))
}

fn bill_item(listed: &BillerProduct, sku: &str) -> Option<Value> {
    let (category, None) = product(sku)? else { return None };
    let bill = bills::one(category, &listed.sample_order);
    Some(json!({
        "product_name": listed.name, "category": "Pascabayar", "brand": listed.operator.to_uppercase(),
        "seller_name": "SELLER", "admin": bill.admin, "commission": commission(&bill), "buyer_sku_code": sku,
        "buyer_product_status": true, "seller_product_status": true, "desc": "-",
    }))
}

fn meter(biller: &Biller, request: &HttpRequest) -> Result<HttpResponse, HttpResponse> {
    let message: MeterInquiry = message(request)?;
    trusted(biller, &message.username, &message.customer_no, &message.sign)?;
    if let Err(failure) = biller.look(&message.customer_no, false) {
        let (rc, text) = refusal(failure);
        return Ok(answer(json!({
            "customer_no": message.customer_no, "meter_no": "", "subscriber_id": "", "name": "", "segment_power": "",
            "message": text, "status": "Gagal", "rc": rc,
        })));
    }
    let bill = bills::bill(Category::PlnPrepaid, &message.customer_no, Some(0), calendar::Instant::from_micros(0));
    Ok(answer(json!({
        "message": "Transaksi Sukses", "status": "Sukses", "rc": "00", "customer_no": message.customer_no,
        "meter_no": format!("{:0>11}", bill.meter.0), "subscriber_id": message.customer_no,
        "name": bill.name, "segment_power": "R1  /000001300",
    })))
}

fn transaction(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, HttpResponse> {
    let message: Transaction = message(request)?;
    trusted(biller, &message.username, &message.ref_id, &message.sign)?;
    let Some((category, denomination)) = product(&message.buyer_sku_code) else {
        return Ok(refused_as(&message, "43", "SKU tidak di temukan atau Non-Aktif").into());
    };
    let test = message.testing.filter(|testing| *testing);
    let test = test.and_then(|_| test_numbers::find(&message.buyer_sku_code, &message.customer_no));
    let result = match (message.commands.as_deref(), denomination) {
        (None, Some(face)) => buy(biller, &message, (category, face), test, surroundings),
        (Some(wire::INQUIRE), None) => inquire(biller, &message, category, test, surroundings),
        (Some(wire::PAY), None) => pay(biller, &message, category, test, surroundings),
        (Some(wire::STATUS), None) => match biller.ask(&message.ref_id) {
            Some((order, notices)) => {
                let response = order_answer(&order, Some(category));
                Ok(Reaction { notices, ..response.into() })
            }
            None => Err(Failure::NotInquired),
        },
        _ => return Err(failed("40", "Payload Error")),
    };
    Ok(result.unwrap_or_else(|failure| refused(&message, failure).into()))
}

fn inquire(
    biller: &mut Biller,
    message: &Transaction,
    category: Category,
    test: Option<TestNumber>,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Failure> {
    let bill = bills::bill(category, &message.customer_no, message.amount, surroundings.now());
    let named = (message.buyer_sku_code.as_str(), message.customer_no.as_str());
    let inquiry = match test {
        Some(test) if test.ending == Ending::NotInquired => {
            return Ok(refused_as(message, "02", "Transaksi Gagal").into());
        }
        Some(test) => biller.inquire_played(&message.ref_id, named, test.bill(bill), surroundings)?,
        None => biller.inquire(&message.ref_id, named, bill, surroundings)?,
    };
    Ok(bill_answer(message, category, &inquiry.bill, test).into())
}

fn buy(
    biller: &mut Biller,
    message: &Transaction,
    (category, face): (Category, i64),
    test: Option<TestNumber>,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Failure> {
    let order = biller.take(NewOrder {
        reference: message.ref_id.clone(),
        sku: message.buyer_sku_code.clone(),
        order_id: message.customer_no.clone(),
        bill: bills::bill(category, &message.customer_no, Some(face), surroundings.now()),
        cost: cost(face),
        inquired: false,
        played: test.map(TestNumber::status),
    })?;
    if order.requests > 1
        && let Some((order, notices)) = biller.ask(&message.ref_id)
    {
        return Ok(Reaction { notices, ..order_answer(&order, None).into() });
    }
    let response = order_answer(&order, None);
    Ok(biller.answer(&order, response))
}

fn pay(
    biller: &mut Biller,
    message: &Transaction,
    category: Category,
    test: Option<TestNumber>,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Failure> {
    let today = surroundings.now().jakarta_day().number();
    let inquiry = biller.inquiry(&message.ref_id).filter(|inquiry| {
        inquiry.at.jakarta_day().number() == today
            && (&inquiry.sku, &inquiry.order_id) == (&message.buyer_sku_code, &message.customer_no)
    });
    let bill = inquiry.ok_or(Failure::NotInquired)?.bill.clone();
    let order = biller.take(NewOrder {
        reference: message.ref_id.clone(),
        sku: message.buyer_sku_code.clone(),
        order_id: message.customer_no.clone(),
        cost: price(&bill, test),
        bill,
        inquired: true,
        played: test.map(TestNumber::status),
    })?;
    let response = order_answer(&order, Some(category));
    Ok(biller.answer(&order, response))
}

/// Status, rc and text of an order.
fn state(order: &Order) -> (&'static str, &'static str, &'static str) {
    match order.status {
        Status::InProcess(_) => ("Pending", "03", "Transaksi Pending"),
        Status::Delivered => ("Sukses", "00", "Transaksi Sukses"),
        Status::Failed => ("Gagal", "02", "Transaksi Gagal"),
        Status::Refunded => ("Gagal", "74", "Transaksi Refund"),
    }
}

/// The answer about an order: of a purchase where there is no category.
fn order_answer(order: &Order, category: Option<Category>) -> HttpResponse {
    HttpResponse::json(200, json!({"data": order_data(order, category)}).to_string())
}

fn order_data(order: &Order, category: Option<Category>) -> Value {
    let (status, rc, text) = state(order);
    let mut data = json!({
        "ref_id": order.reference, "customer_no": order.order_id, "buyer_sku_code": order.sku,
        "message": text, "status": status, "rc": rc, "price": order.cost,
    });
    let test = test_of(order);
    if order.status == Status::Delivered {
        data["sn"] = json!(serial(order));
    }
    match (test, data.as_object_mut()) {
        (Some(_), Some(members)) if order.inquired && order.status == Status::Failed => {
            members.remove("price");
        }
        (Some(test), Some(members)) if !order.inquired => {
            members.insert("buyer_last_saldo".into(), test.balance(order.status, order.cost).into());
        }
        _ => {}
    }
    if let Some(category) = category.filter(|_| matches!(order.status, Status::InProcess(_) | Status::Delivered)) {
        add_bill(&mut data, category, &order.told(), order.status == Status::Delivered, test);
    }
    data
}

/// Electricity: `token/name/tariff/power/kWh`, without the token while it is late; else a serial.
fn serial(order: &Order) -> String {
    if let Some(test) = test_of(order) {
        return test.serial().to_owned();
    }
    match (product(&order.sku), order.token()) {
        (Some((Category::PlnPrepaid, Some(face))), Some(token)) => {
            format!("{}/{}/R1/1300/{},50.", bills::grouped(&token), order.bill.name, face / 1_500)
        }
        (Some((Category::PlnPrepaid, _)), None) => String::new(),
        _ => order.serial(),
    }
}

fn bill_answer(
    message: &Transaction,
    category: Category,
    bill: &CustomerBill,
    test: Option<TestNumber>,
) -> HttpResponse {
    let mut data = json!({
        "ref_id": message.ref_id, "customer_no": message.customer_no, "buyer_sku_code": message.buyer_sku_code,
        "message": "Transaksi Sukses", "status": "Sukses", "rc": "00",
    });
    add_bill(&mut data, category, bill, false, test);
    answer(data)
}

/// What a bill says: amounts, and `desc` by brand. Money inside of `detail` is text.
fn add_bill(data: &mut Value, category: Category, bill: &CustomerBill, paid: bool, test: Option<TestNumber>) {
    data["customer_name"] = json!(bill.name);
    data["admin"] = json!(bill.admin);
    data["price"] = json!(price(bill, test));
    data["selling_price"] = json!(bill.total());
    let one = |period: &String| {
        let mut detail = Map::new();
        let bills = i64::from(bill.bills.max(1));
        detail.insert("periode".into(), json!(period));
        detail.insert("nilai_tagihan".into(), json!(((bill.amount - bill.fine) / bills).to_string()));
        detail.insert("admin".into(), json!((bill.admin / bills).to_string()));
        detail.insert("denda".into(), json!((bill.fine / bills).to_string()));
        if paid || category == Category::Pdam {
            detail.insert("meter_awal".into(), json!(format!("{:08}", bill.meter.0)));
            detail.insert("meter_akhir".into(), json!(format!("{:08}", bill.meter.1)));
        }
        Value::Object(detail)
    };
    let details: Vec<Value> = match category {
        Category::BpjsKesehatan => vec![json!({"periode": "1"})],
        _ => bill.periods.iter().map(one).collect(),
    };
    let mut desc = json!({"lembar_tagihan": bill.bills, "detail": details});
    let more = match category {
        Category::PlnPostpaid => json!({"tarif": "R1", "daya": 1300}),
        Category::PlnNonTaglis => json!({
            "transaksi": "PENYAMBUNGAN BARU", "no_registrasi": data["customer_no"], "tanggal_registrasi": "20260105",
        }),
        Category::Pdam => json!({"tarif": "3A", "alamat": "WONOKROMO S.S 09", "jatuh_tempo": "1-15 DES 2026"}),
        Category::BpjsKesehatan => json!({"jumlah_peserta": "1", "alamat": "JAKARTA PUSAT"}),
        Category::Instalment => json!({
            "item_name": "HONDA VARIO 125", "no_rangka": "MH1JM4110JK", "no_pol": format!("B 1{:03} KL", bill.variety), "tenor": "030",
        }),
        _ => json!({}),
    };
    for more in [more, test.map_or(Value::Null, TestNumber::description)] {
        if let (Some(desc), Value::Object(more)) = (desc.as_object_mut(), more) {
            desc.extend(more);
        }
    }
    data["desc"] = desc;
}

/// Signed over its bytes when the hook has a secret.
fn notice(biller: &Biller, order: &Order) -> Option<HttpRequest> {
    let category = product(&order.sku).filter(|(_, denomination)| denomination.is_none()).map(|(category, _)| category);
    let body = json!({"data": order_data(order, category)}).to_string().into_bytes();
    let agent = if category.is_some() { "Digiflazz-Pasca-Hookshot" } else { "Digiflazz-Hookshot" };
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), agent.to_owned()),
        ("X-Digiflazz-Event".to_owned(), "update".to_owned()),
    ];
    if let Some(secret) = &biller.setup.notice_secret {
        let secret = Secret::new(secret.clone());
        headers.push(("X-Hub-Signature".into(), wire::notice_signature(&secret, &body)));
    }
    Some(HttpRequest { method: "POST", url: biller.setup.notice_url.clone(), headers, body })
}
