//! The sample requests of the published pages, body and headers as printed apart from time, signature, external id and
//! host, are accepted by a running sandbox and answered with the documented code and every documented field.

use crate::{
    keepings::Keeping,
    support::{World, assert_answer, eventually, payment, status, verbatim},
};
use serde_json::json;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn seed_001_account_inquiry(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let body = include_bytes!("../../contract/samples/account_inquiry.json");
    let path = "/apidirectdebit/v1.0/registration-account-inquiry";
    let sent = world.client().send_prepared(verbatim("account_inquiry", path, JSON, body), false).await;
    assert_answer(&sent, "2000800", &["responseMessage", "additionalInfo.memberLevel", "additionalInfo.message"]);
    assert_eq!(sent.text("additionalInfo.accountStatus").as_deref(), Some("ACTIVE"));
}

async fn seed_001_curl_unbinding(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client_as("SGWDIGALLERY");
    let body = include_bytes!("../../contract/samples/account_unbinding.json");
    let path = "/apidirectdebit/v1.0/debit/registration-account-unbinding";
    let request = verbatim("account_unbinding", path, JSON, body);
    let sent = client.send_prepared(request.clone(), false).await;
    assert_answer(&sent, "2000900", &["responseMessage", "merchantId", "linkId"]);
    let again = client.send_prepared(request, true).await;
    assert_answer(&again, "4090900", &["responseMessage"]);
}

async fn seed_002_get_auth_code_query(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let query = include_str!("../../contract/samples/seed_002_query.txt").trim_end();
    let query = query.split_once('?').map_or(query, |(_, query)| query);
    let target = format!("/apidirectdebit/v1.0/get-auth-code?{query}");
    let sent = world.client().send_prepared(verbatim("get_auth_code", &target, JSON, b""), false).await;
    assert_answer(&sent, "2001000", &["responseMessage", "authCode", "additionalInfo.redirectUrl"]);
    assert_eq!(sent.text("state").as_deref(), Some("889871204JJK1I23K"));
    let visit = world.visit(&sent.text("additionalInfo.redirectUrl").expect("a page")).await;
    assert_eq!(visit.end.host_str(), Some("www.yourdomain.com"));
    assert_eq!(visit.param("authCode"), sent.text("authCode"));
    assert_eq!(visit.param("state").as_deref(), Some("889871204JJK1I23K"));
}

async fn seed_002_curl_form_on_get(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let form = include_str!("../../contract/samples/seed_002_form.txt").trim_end();
    let path = "/apidirectdebit/v1.0/get-auth-code";
    let request = verbatim("get_auth_code", path, FORM, form.as_bytes());
    let sent = world.client_as("SGWDIGALLERY").send_prepared(request, false).await;
    assert_answer(&sent, "2001000", &["responseMessage", "authCode", "state", "additionalInfo.redirectUrl"]);
}

async fn seed_004_account_creation(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let body = include_bytes!("../../contract/samples/account_creation.json");
    let path = "/apidirectdebit/v1.0/registration-account-creation";
    let sent = client.send_prepared(verbatim("account_creation", path, JSON, body), false).await;
    assert_answer(&sent, "2020600", &["responseMessage", "phoneNo", "referenceNo", "additionalInfo.webRedirectUrl"]);
    assert_eq!(sent.text("phoneNo").as_deref(), Some("62821378692136"));
    let plain = sent.text("additionalInfo.originalUrl").expect("a page");
    let encoded = sent.text("additionalInfo.webRedirectUrl").expect("a page");
    let decoded: String =
        form_urlencoded::parse(format!("u={encoded}").as_bytes()).map(|(_, value)| value.into_owned()).collect();
    assert_eq!(decoded, plain);
    world.visit(&plain).await;
    let question = json!({
        "partnerReferenceNo": "Q-1",
        "additionalInfo": {"productCode": "SALDOMUDIRECTDEBIT", "phoneNo": "62821378692136"},
    });
    let sent = client.send("account_inquiry", &question).await.expect("sent");
    assert_eq!(sent.text("additionalInfo.accountStatus").as_deref(), Some("ACTIVE"), "{:?}", sent.reply());
}

/// The six steps of the overview, in their order.
async fn seed_000_flow(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let key = json!({"key": client.merchant().api_key});
    let info = client.send("inquiry_merchant_info", &key).await.expect("sent");
    let product = info.text("data.0.productCode").expect("a product");
    let card = world.link(&product).await;
    let balance = json!({"partnerReferenceNo": "B-1", "bankCardToken": card});
    let sent = client.send("balance_inquiry", &balance).await.expect("sent");
    assert_answer(&sent, "2001100", &["accountInfo.balanceType", "accountInfo.amount.value", "accountInfos"]);
    let sent = client.send("payment_host_to_host", &payment(&product, "INV-1", &card, 15_000)).await.expect("sent");
    assert_answer(&sent, "2005400", &["webRedirectUrl", "referenceNo"]);
    eventually("paid", async || (status(&client, "INV-1").await == "00").then_some(())).await;
    let token = eventually("the binding notification", async || {
        let link = world.book().await["links"]["SGWYESSISHOP"][format!("BIND-{product}")].clone();
        link["tokens"]["account"].as_str().map(str::to_owned)
    })
    .await;
    let unbinding = json!({
        "partnerReferenceNo": "U-1", "merchantId": "ESPAY",
        "additionalInfo": {"productCode": product, "accountToken": token},
    });
    let sent = client.send("account_unbinding", &unbinding).await.expect("sent");
    assert_answer(&sent, "2000900", &["linkId"]);
    let sent = client.send("payment_host_to_host", &payment(&product, "INV-2", &card, 15_000)).await.expect("sent");
    assert_answer(&sent, "4045411", &[]);
}

on_both_keepings! {
    seed_001_account_inquiry,
    seed_001_curl_unbinding,
    seed_002_get_auth_code_query,
    seed_002_curl_form_on_get,
    seed_004_account_creation,
    seed_000_flow,
}
