//! The steps in which money goes back: what a provider can do is done, what it cannot is refused before anything happens.

use connectors::Capability;
use money::Amount;
use serde_json::json;

use super::Journey;

/// The first part that goes back.
const PART: Amount = Amount::rupiah(5_000);

/// Whether a product's provider can do this.
fn can(product: &str, capability: Capability) -> bool {
    connectors::product(product).is_some_and(|(connector, _)| connector.descriptor().capabilities.contains(&capability))
}

/// Cancels a payment that was paid.
///
/// # Errors
/// When a request could not even be sent.
pub async fn cancel(journey: &mut Journey<'_>, product: &str, reference: &str) -> anyhow::Result<()> {
    let fields = json!({
        "originalPartnerReferenceNo": reference, "merchantId": journey.partner_id(), "reason": "ordered by mistake",
    });
    if !can(product, Capability::Cancel) {
        return journey.send("cancel", "cancel", &fields, &["4055700"]).await.map(drop);
    }
    // Some cancel only what is not paid yet.
    let sent = journey.send("cancel", "cancel", &fields, &["2005700", "4035715"]).await?;
    if sent.code().as_deref() != Some("2005700") {
        return stands(journey, "it stays paid", reference, "00").await;
    }
    journey.send("cancel again", "cancel", &fields, &["4095701"]).await?;
    stands(journey, "it is cancelled", reference, "05").await
}

/// Gives a payment back in two parts; its link may be gone.
///
/// # Errors
/// When a request could not even be sent.
pub async fn refund(journey: &mut Journey<'_>, product: &str, reference: &str) -> anyhow::Result<()> {
    let able = can(product, Capability::Refund);
    let part = json!({"value": PART.snap_text(), "currency": "IDR"});
    let steps = [("refund a part", Some(part), "00"), ("refund the rest", None, "04"), ("refund again", None, "04")];
    for (name, amount, standing) in steps {
        let mut fields = json!({
            "originalPartnerReferenceNo": reference, "partnerRefundNo": journey.reference("REF"),
            "merchantId": journey.partner_id(), "reason": "returned goods",
        });
        if let Some(amount) = amount {
            fields["refundAmount"] = amount;
        }
        if !able {
            return journey.send(name, "refund", &fields, &["4055800"]).await.map(drop);
        }
        let expected = if name == "refund again" { "4045800" } else { "2005800" };
        journey.send(name, "refund", &fields, &[expected]).await?;
        stands(journey, "where it stands", reference, standing).await?;
    }
    Ok(())
}

/// A payment that is called off before the customer chose a wallet.
///
/// # Errors
/// When a request could not even be sent.
pub async fn call_off(journey: &mut Journey<'_>, product: &str) -> anyhow::Result<()> {
    let reference = journey.reference("SHOP");
    let fields = json!({
        "partnerReferenceNo": reference, "merchantId": journey.partner_id(),
        "amount": {"value": PART.snap_text(), "currency": "IDR"}, "additionalInfo": {"productCode": product},
    });
    journey.send("pay without a link", "payment_host_to_host", &fields, &["2005400"]).await?;
    let fields = json!({"originalPartnerReferenceNo": reference});
    journey.send("cancel before it is paid", "cancel", &fields, &["2005700"]).await?;
    stands(journey, "it is cancelled", &reference, "05").await
}

async fn stands(journey: &mut Journey<'_>, name: &str, reference: &str, wanted: &str) -> anyhow::Result<()> {
    let fields = json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let sent = journey.send("debit status", "debit_status", &fields, &["2005500"]).await?;
    journey.insist(name, sent.text("latestTransactionStatus"), wanted);
    Ok(())
}
