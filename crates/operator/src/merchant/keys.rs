//! `merchant.keys`

use engine::SystemFresh;
use lifecycle::merchant::BillerAccess;
use serde_json::{Value, json};

use super::{MERCHANT, Shown, access, new_api_key, register};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{KEYS_LIVE_MAX, PEM_MAX},
    operation::{Answer, Operation},
};

/// Changes a merchant's keys and passwords.
pub static OPERATION: Operation = Operation {
    name: "merchant.keys",
    promise: "Changes a merchant's keys and passwords. Of each kind of key two are live, so that the merchant can change \
              over; a third one takes the place of the older. What is made here is shown in this answer only.",
    fields: &[
        MERCHANT,
        Field::mandatory(
            "change",
            Kind::Choice(&[
                "new_signature_key",
                "drop_old_signature_key",
                "new_passwords",
                "add_public_key",
                "drop_old_public_key",
            ]),
            "A new key of the hash signature; only the newest of those from now on; both passwords of the biller \
             services anew; the public key that is given; only the newest of those from now on.",
        ),
        Field::optional("public_key", Kind::Lines(PEM_MAX), "With `add_public_key`: the key in PEM."),
    ],
    sample: r#"{"merchant":"WARUNG","change":"new_signature_key"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let _one = door.registering.lock().await;
    door.know_registrations().await?;
    let partner = door.merchant(&input)?;
    let mut merchant = partner.merchant.clone();
    let change = input.text("change")?;
    if input.has("public_key") != (change == "add_public_key") {
        return Err(Fault::field("public_key", "it goes with the change add_public_key, and with that alone"));
    }
    let mut shown = Shown::default();
    let mut fresh = door.engine.fresh();
    let mut api_key = None;
    match change.as_str() {
        "add_public_key" => {
            let pem = input.text("public_key")?;
            merchant.public_keys.retain(|known| known.trim() != pem.trim());
            merchant.public_keys.insert(0, pem);
            merchant.public_keys.truncate(KEYS_LIVE_MAX);
            if merchant.api_key.is_empty() {
                merchant.api_key = new_api_key(&mut fresh);
                api_key = Some(merchant.api_key.clone());
            }
        }
        "drop_old_public_key" => merchant.public_keys.truncate(1),
        _ => {
            access(&merchant)?;
            if let Some(access) = &mut merchant.biller {
                change_secrets(access, &change, &mut fresh, &mut shown);
            }
        }
    }
    let (code, public_keys) = (merchant.code.clone(), merchant.public_keys.len());
    let signature_keys = merchant.biller.as_ref().map_or(0, |access| access.keys.len());
    register(door, merchant).await?;
    let mut answer = json!({
        "merchant": code.as_str(),
        "signature_keys": signature_keys,
        "public_keys": public_keys,
    });
    if let Some(api_key) = api_key {
        answer["api_key"] = api_key.into();
    }
    if !shown.0.is_empty() {
        answer["biller"] = Value::Object(shown.0);
    }
    Ok(Answer::Json(answer))
}

fn change_secrets(access: &mut BillerAccess, change: &str, fresh: &mut SystemFresh, shown: &mut Shown) {
    match change {
        "new_signature_key" => {
            access.keys.insert(0, shown.key(fresh));
            access.keys.truncate(KEYS_LIVE_MAX);
        }
        "drop_old_signature_key" => access.keys.truncate(1),
        _ => {
            access.basic_password = shown.password(fresh, "basic_password");
            access.password = shown.password(fresh, "password");
        }
    }
}
