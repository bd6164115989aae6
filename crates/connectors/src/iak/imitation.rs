//! IAK played by us: every purchase is in process at first, whatever became of it already; a bill is paid by the number of
//! its inquiry. Callbacks write every value as a text.

use calendar::Instant;
use lifecycle::biller::{BillerProduct, Category};
use serde_json::{Value, json};

use super::wire::{self, Balance, Bill, CheckStatus, Meter, Prices, TopUp};
use crate::{
    HttpRequest, HttpResponse,
    imitation::{
        Imitation, Reaction, Setup, Surroundings,
        biller::{Biller, Brand, Failure, Inquiry, NewOrder, Order, Status},
        bills::{self, CustomerBill},
    },
};

static BRAND: Brand = Brand { connector: "iak", first: false, api, notice };

/// An IAK with a fresh deposit of ours.
pub(super) fn imitation(setup: Setup) -> Box<dyn Imitation> {
    Box::new(Biller::new(&BRAND, setup))
}

/// What a code of its lists buys: a denomination in rupiah, or a bill of a category.
fn product(code: &str) -> Option<(Category, Option<i64>)> {
    let face = code.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<i64>().ok();
    let face =
        face.filter(|face| code.starts_with(|c: char| c.is_ascii_lowercase()) && (1_000..=100_000_000).contains(face));
    let name = code.split('.').next()?;
    Some(match (name, face) {
        (name, Some(face)) if name.starts_with("hpln") => (Category::PlnPrepaid, Some(face)),
        (_, Some(face)) => (Category::MobilePrepaid, Some(face)),
        ("PLNPOSTPAID", _) => (Category::PlnPostpaid, None),
        ("PLNNONH", _) => (Category::PlnNonTaglis, None),
        ("TELKOMPSTN" | "CBN", _) => (Category::Internet, None),
        ("AETRA", _) => (Category::Pdam, None),
        ("SHOPEEPAY", _) => (Category::EwalletTopup, None),
        ("AIA" | "TASPEN", _) => (Category::Insurance, None),
        (name, _) if name.starts_with("BPJS") => (Category::BpjsKesehatan, None),
        (name, _) if name.starts_with("PDAM") => (Category::Pdam, None),
        (name, _) if name.starts_with("HP") => (Category::MobilePostpaid, None),
        (name, _) if name.starts_with("TV") => (Category::CableTv, None),
        (name, _) if name.starts_with("FN") => (Category::Instalment, None),
        _ => return None,
    })
}

/// What a denomination costs us.
fn cost(face: i64) -> i64 {
    face * 985 / 1_000 + 150
}

/// The share of the admin fee that is left to us.
fn commission(bill: &CustomerBill) -> i64 {
    bill.admin / 2
}

/// A refusal of a purchase, or of a bill, in its words.
fn refusal(failure: Failure, bill: bool) -> (&'static str, &'static str) {
    match failure {
        Failure::UnknownCustomer => ("14", "INCORRECT DESTINATION NUMBER"),
        Failure::PaidAlready => ("34", "BILL HAS BEEN PAID"),
        Failure::NothingDue => ("10", "BILL IS NOT AVAILABLE"),
        Failure::CutOff if bill => ("109", "SYSTEM CUT-OFF"),
        Failure::CutOff => ("110", "SYSTEM UNDER MAINTENANCE"),
        Failure::Unavailable => ("106", "PRODUCT IS TEMPORARILY OUT OF SERVICE"),
        Failure::OutOfStock => ("106", "PRODUCT IS TEMPORARILY OUT OF SERVICE"),
        Failure::FloatShort => ("17", "INSUFFICIENT DEPOSIT"),
        Failure::Repeated => ("11", "DUPLICATE REF ID"),
        Failure::NotInquired => ("06", "TRANSACTION NOT FOUND"),
        Failure::Broken => ("92", "GENERAL ERROR"),
    }
}

fn answer(data: Value) -> HttpResponse {
    HttpResponse::json(200, json!({"data": data}).to_string())
}

/// Bills' answers hold `meta` besides.
fn bill_answer(data: Value) -> HttpResponse {
    HttpResponse::json(200, json!({"data": data, "meta": []}).to_string())
}

fn api(biller: &mut Biller, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
    let reaction = match (request.method, request.path()) {
        ("POST", wire::TOP_UP_PATH) => top_up(biller, request, surroundings),
        ("POST", wire::CHECK_STATUS_PATH) => check_status(biller, request),
        ("POST", wire::METER_PATH) => meter(biller, request),
        ("POST", wire::BALANCE_PATH) => balance(biller, request),
        ("POST", wire::PRICES_PATH) => purchase_prices(biller, request),
        ("POST", wire::BILL_PATH) => bill(biller, request, surroundings),
        _ => Err(answer(json!({"rc": "117", "message": "PAGE NOT FOUND"}))),
    };
    reaction.unwrap_or_else(Reaction::from)
}

fn message<T: serde::de::DeserializeOwned>(request: &HttpRequest) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body).map_err(|_| {
        HttpResponse::json(400, json!({"data": {"rc": "107", "message": "INVALID DATA FORMAT"}}).to_string())
    })
}

fn trusted(biller: &Biller, username: &str, suffix: &str, sign: &str, code: &str) -> Result<(), HttpResponse> {
    let good = username == biller.setup.client_id && sign == wire::sign(username, &biller.setup.client_secret, suffix);
    let rc = if code == "rc" { "204" } else { "100" };
    if good { Ok(()) } else { Err(answer(json!({code: rc, "message": "INVALID SIGNATURE"}))) }
}

fn balance(biller: &Biller, request: &HttpRequest) -> Result<Reaction, HttpResponse> {
    let message: Balance = message(request)?;
    trusted(biller, &message.username, wire::BALANCE_SUFFIX, &message.sign, "rc")?;
    Ok(answer(json!({"balance": biller.balance(), "message": "SUCCESS", "rc": "00"})).into())
}

fn purchase_prices(biller: &Biller, request: &HttpRequest) -> Result<Reaction, HttpResponse> {
    let message: Prices = message(request)?;
    trusted(biller, &message.username, wire::PRICES_SUFFIX, &message.sign, "rc")?;
    let item = |(listed, code): (&BillerProduct, &str)| {
        let (category, face) = product(code)?;
        Some(json!({
            "product_code": code, "product_description": listed.operator, "product_nominal": face?.to_string(),
            "product_details": "-", "product_price": cost(face?), "active_period": "30", "status": "active",
            "product_type": if category == Category::PlnPrepaid { "pln" } else { "pulsa" }, "icon_url": "-",
            "product_category": if category == Category::PlnPrepaid { "pln" } else { "pulsa" },
        }))
    };
    let list: Vec<Value> = biller.goods().into_iter().filter_map(item).collect();
    Ok(answer(json!({"pricelist": list, "rc": "00", "message": "SUCCESS"})).into())
}

fn bill_prices(biller: &Biller) -> Reaction {
    let item = |(listed, code): (&BillerProduct, &str)| {
        let (category, None) = product(code)? else { return None };
        let bill = bills::one(category, &listed.sample_order);
        Some(json!({
            "code": code, "name": listed.name.to_uppercase(), "status": 1, "fee": bill.admin,
            "komisi": commission(&bill), "type": category.name(), "category": listed.operator, "province": "",
        }))
    };
    let list: Vec<Value> = biller.goods().into_iter().filter_map(item).collect();
    bill_answer(json!({"pasca": list, "rc": "00", "message": "SUCCESS"})).into()
}

fn meter(biller: &Biller, request: &HttpRequest) -> Result<Reaction, HttpResponse> {
    let message: Meter = message(request)?;
    trusted(biller, &message.username, &message.customer_id, &message.sign, "rc")?;
    if let Err(failure) = biller.look(&message.customer_id, false) {
        let (rc, text) = refusal(failure, false);
        let data = json!({"status": "2", "customer_id": message.customer_id, "meter_no": "", "subscriber_id": "", "name": "", "segment_power": "", "message": text, "rc": rc});
        return Ok(answer(data).into());
    }
    let bill = bills::bill(Category::PlnPrepaid, &message.customer_id, Some(0), Instant::from_micros(0));
    Ok(answer(json!({
        "status": "1", "customer_id": message.customer_id, "meter_no": format!("{:0>11}", bill.meter.0),
        "subscriber_id": message.customer_id, "name": bill.name, "segment_power": "R1  /000001300",
        "message": "SUCCESS", "rc": "00",
    }))
    .into())
}

fn top_up(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, HttpResponse> {
    let message: TopUp = message(request)?;
    trusted(biller, &message.username, &message.ref_id, &message.sign, "rc")?;
    let refused = |(rc, text): (&str, &str)| {
        answer(json!({
            "ref_id": message.ref_id, "status": 2, "product_code": message.product_code,
            "customer_id": message.customer_id, "price": 0, "message": text, "balance": 0, "tr_id": 0, "rc": rc,
        }))
    };
    let Some((category, Some(face))) = product(&message.product_code) else {
        return Ok(refused(("20", "CODE NOT FOUND")).into());
    };
    let taken = biller.take(NewOrder {
        reference: message.ref_id.clone(),
        sku: message.product_code.clone(),
        order_id: message.customer_id.clone(),
        bill: bills::bill(category, &message.customer_id, Some(face), surroundings.now()),
        cost: cost(face),
        inquired: false,
        played: None,
    });
    let order = match taken {
        Ok(order) => order,
        Err(Failure::Broken) => return Err(HttpResponse::json(500, "{}")),
        Err(failure) => return Ok(refused(refusal(failure, false)).into()),
    };
    if order.requests > 1 {
        return Ok(asked(biller, &message.ref_id));
    }
    let process = json!({
        "ref_id": order.reference, "status": 0, "product_code": order.sku, "customer_id": order.order_id,
        "price": order.cost, "message": "PROCESS", "balance": biller.balance(), "tr_id": order.number, "rc": "39",
    });
    let mut reaction = biller.answer(&order, answer(process));
    if reaction.notices.is_empty() && !matches!(order.status, Status::InProcess(_)) {
        reaction.notices = biller.notice(&order.reference);
    }
    Ok(reaction)
}

fn check_status(biller: &mut Biller, request: &HttpRequest) -> Result<Reaction, HttpResponse> {
    let message: CheckStatus = message(request)?;
    trusted(biller, &message.username, &message.ref_id, &message.sign, "rc")?;
    Ok(asked(biller, &message.ref_id))
}

fn asked(biller: &mut Biller, reference: &str) -> Reaction {
    match biller.ask(reference) {
        Some((order, notices)) => {
            let response = answer(purchase_data(&order, biller.balance()));
            Reaction { notices, ..response.into() }
        }
        None => answer(json!({"ref_id": reference, "rc": "06", "message": "TRANSACTION NOT FOUND"})).into(),
    }
}

fn purchase_data(order: &Order, balance: i64) -> Value {
    let (status, rc, text) = match order.status {
        Status::InProcess(_) => (0, "39", "PROCESS"),
        Status::Delivered => (1, "00", "SUCCESS"),
        Status::Failed | Status::Refunded => (2, "07", "FAILED"),
    };
    let mut data = json!({
        "ref_id": order.reference, "status": status, "product_code": order.sku, "customer_id": order.order_id,
        "price": order.cost, "message": text, "balance": balance, "tr_id": order.number, "rc": rc,
    });
    if order.status == Status::Delivered {
        data["sn"] = json!(serial(order));
    }
    data
}

/// Electricity: `token/name/tariff /power/kWh`, without the token while it is late; else a serial.
fn serial(order: &Order) -> String {
    match (product(&order.sku), order.token()) {
        (Some((Category::PlnPrepaid, Some(face))), Some(token)) => {
            format!("{}/{}/R1 /000001300/{}.2", bills::grouped(&token), order.bill.name, face / 1_500)
        }
        (Some((Category::PlnPrepaid, _)), None) => String::new(),
        _ => order.serial(),
    }
}

fn bill(
    biller: &mut Biller,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, HttpResponse> {
    let message: Bill = message(request)?;
    let reference = message.ref_id.clone().unwrap_or_default();
    match message.commands.as_str() {
        wire::INQUIRE => {
            trusted(biller, &message.username, &reference, &message.sign, "response_code")?;
            Ok(inquire(biller, &message, &reference, surroundings))
        }
        wire::PRICES => {
            trusted(biller, &message.username, wire::PRICES_SUFFIX, &message.sign, "response_code")?;
            Ok(bill_prices(biller))
        }
        wire::PAY => {
            let number = message.tr_id.clone().unwrap_or_default();
            trusted(biller, &message.username, &number, &message.sign, "response_code")?;
            pay(biller, &number)
        }
        wire::STATUS => {
            trusted(biller, &message.username, wire::STATUS_SUFFIX, &message.sign, "response_code")?;
            Ok(status(biller, &reference))
        }
        _ => Err(bill_answer(json!({"response_code": "101", "message": "INVALID COMMAND"}))),
    }
}

fn refused_bill(reference: &str, failure: Failure) -> HttpResponse {
    let (rc, text) = refusal(failure, true);
    bill_answer(json!({"ref_id": reference, "response_code": rc, "message": text}))
}

fn inquire(biller: &mut Biller, message: &Bill, reference: &str, surroundings: &mut dyn Surroundings) -> Reaction {
    let (code, number) = (message.code.clone().unwrap_or_default(), message.hp.clone().unwrap_or_default());
    if !reference.bytes().all(|byte| byte.is_ascii_alphanumeric()) || reference.is_empty() {
        return bill_answer(json!({"response_code": "03", "message": "INVALID REF ID"})).into();
    }
    let Some((category, None)) = product(&code) else {
        return bill_answer(json!({"ref_id": reference, "response_code": "20", "message": "CODE NOT FOUND"})).into();
    };
    let chosen = message.desc.as_ref().map(|chosen| chosen.amount);
    let bill = bills::bill(category, &number, chosen, surroundings.now());
    match biller.inquire(reference, (&code, &number), bill, surroundings) {
        Ok(inquiry) => bill_answer(inquiry_data(&inquiry, category)).into(),
        Err(failure) => refused_bill(reference, failure).into(),
    }
}

fn inquiry_data(inquiry: &Inquiry, category: Category) -> Value {
    let mut data = json!({
        "tr_id": inquiry.number, "code": inquiry.sku, "hp": inquiry.order_id, "ref_id": inquiry.reference,
        "response_code": "00", "message": "INQUIRY SUCCESS",
    });
    add_bill(&mut data, category, &inquiry.bill);
    data
}

fn pay(biller: &mut Biller, number: &str) -> Result<Reaction, HttpResponse> {
    let inquiry = number.parse().ok().and_then(|number| biller.inquiry_with(number)).cloned();
    let Some(inquiry) = inquiry else {
        return Ok(refused_bill("", Failure::NotInquired).into());
    };
    let taken = biller.take(NewOrder {
        reference: inquiry.reference.clone(),
        sku: inquiry.sku.clone(),
        order_id: inquiry.order_id.clone(),
        cost: inquiry.bill.total() - commission(&inquiry.bill),
        bill: inquiry.bill.clone(),
        inquired: true,
        played: None,
    });
    match taken {
        Ok(order) if order.requests > 1 && order.status == Status::Delivered => {
            let data = json!({"ref_id": order.reference, "tr_id": number, "response_code": "01", "message": "INVOICE HAS BEEN PAID"});
            Ok(bill_answer(data).into())
        }
        Ok(order) => {
            let response = bill_answer(payment_data(&order, biller.balance(), false));
            Ok(biller.answer(&order, response))
        }
        Err(Failure::Broken) => Err(HttpResponse::json(500, "{}")),
        Err(failure) => Ok(refused_bill(&inquiry.reference, failure).into()),
    }
}

fn status(biller: &mut Biller, reference: &str) -> Reaction {
    if let Some((order, notices)) = biller.ask(reference) {
        let response = bill_answer(payment_data(&order, biller.balance(), true));
        return Reaction { notices, ..response.into() };
    }
    let (rc, status) = if biller.inquiry(reference).is_some() { ("42", Some(0)) } else { ("06", None) };
    let mut data = json!({"ref_id": reference, "response_code": rc, "message": "REQUEST PEMBAYARAN BELUM DITERIMA"});
    if let Some(status) = status {
        data["status"] = json!(status);
    }
    bill_answer(data).into()
}

/// The answer of a payment; of a question with `status` besides.
fn payment_data(order: &Order, balance: i64, with_status: bool) -> Value {
    let (status, rc, text) = match order.status {
        Status::InProcess(_) => (3, "39", "PENDING / TRANSAKSI SEDANG DIPROSES"),
        Status::Delivered => (1, "00", "PAYMENT SUCCESS"),
        Status::Failed | Status::Refunded => (2, "07", "PEMBAYARAN GAGAL"),
    };
    let mut data = json!({
        "tr_id": order.number, "code": order.sku, "hp": order.order_id, "ref_id": order.reference,
        "response_code": rc, "message": text,
    });
    if with_status {
        data["status"] = json!(status);
    }
    if let (Status::Delivered, Some((category, _))) = (order.status, product(&order.sku)) {
        add_bill(&mut data, category, &order.told());
        data["balance"] = json!(balance);
        data["noref"] = json!(order.serial());
    }
    data
}

/// What a bill says: amounts, and `desc` by product. `price` is the customer's, `selling_price` ours.
fn add_bill(data: &mut Value, category: Category, bill: &CustomerBill) {
    data["tr_name"] = json!(bill.name);
    data["period"] = json!(if category == Category::BpjsKesehatan { "1".into() } else { bill.periods.join(",") });
    data["nominal"] = json!(bill.amount);
    data["admin"] = json!(bill.admin);
    data["price"] = json!(bill.total());
    data["selling_price"] = json!(bill.total() - commission(bill));
    let bills = i64::from(bill.bills.max(1));
    let detail = |period: &String| {
        json!({
            "periode": period, "nilai_tagihan": ((bill.amount - bill.fine) / bills).to_string(),
            "admin": (bill.admin / bills).to_string(), "denda": (bill.fine / bills).to_string(),
            "meter_awal": format!("{:08}", bill.meter.0), "meter_akhir": format!("{:08}", bill.meter.1),
            "total": bill.total() / bills,
        })
    };
    let details: Vec<Value> = bill.periods.iter().map(detail).collect();
    data["desc"] = match category {
        Category::PlnPostpaid => json!({
            "tarif": "R1", "daya": 1300, "lembar_tagihan": bill.bills.to_string(), "tagihan": {"detail": details},
        }),
        Category::PlnNonTaglis => json!({
            "transaksi": "PENYAMBUNGAN BARU", "no_registrasi": data["hp"], "tanggal_registrasi": "20260105",
        }),
        Category::BpjsKesehatan => json!({
            "kode_cabang": "2301", "nama_cabang": "JAKARTA PUSAT", "sisa_pembayaran": "0", "jumlah_peserta": "1",
        }),
        Category::Pdam => {
            let detail = json!({
                "period": bill.periods[0], "first_meter": bill.meter.0, "last_meter": bill.meter.1,
                "penalty": bill.fine.to_string(), "bill_amount": (bill.amount - bill.fine).to_string(), "misc_amount": "0",
            });
            json!({"bill_quantity": bill.bills, "address": "JAKARTA", "pdam_name": "", "due_date": "", "bill": {"detail": [detail]}})
        }
        Category::Internet => {
            json!({"kode_area": "021", "divre": "02", "datel": "0001", "jumlah_tagihan": 1, "tagihan": {"detail": details}})
        }
        Category::CableTv => json!({"bill_quantity": 1, "product_category": "TV", "tagihan": {"detail": details}}),
        Category::Instalment | Category::CreditCard => json!({
            "item_name": "HONDA VARIO 125", "no_rangka": "MH1JM4110JK", "no_pol": format!("B 1{:03} KL", bill.variety),
            "tenor": "030", "penalty_bill": "0", "misc_fee": "0",
        }),
        Category::Insurance => json!({"insured": bill.name, "policy_status": "ACTIVE", "due_date": ""}),
        _ => json!({}),
    };
}

/// Every value as a text, and a sign that covers the reference alone. Bills have no callback.
fn notice(biller: &Biller, order: &Order) -> Option<HttpRequest> {
    if order.inquired || matches!(order.status, Status::InProcess(_)) {
        return None;
    }
    let mut data = purchase_data(order, biller.balance());
    for value in data.as_object_mut()?.values_mut() {
        if !value.is_string() {
            *value = json!(value.to_string());
        }
    }
    let setup = &biller.setup;
    data["sign"] = json!(wire::sign(&setup.client_id, &setup.client_secret, &order.reference));
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let body = json!({"data": data}).to_string().into_bytes();
    Some(HttpRequest { method: "POST", url: setup.notice_url.clone(), headers, body })
}
