//! What only Saldomu does: accounts are opened by request.

use lifecycle::{
    AccountCreationId, Reason, Secret,
    provider::{AccountStatus, Outcome, ProviderCall},
};

use super::{PROFILE, Saldomu, mapping, wire::CreateRequest};
use crate::{
    CallContext,
    tests::world::{SEEDED, World, person},
};

const NEW: &str = "62821378692136";

fn create(phone: &str) -> ProviderCall {
    ProviderCall::CreateAccount {
        creation: AccountCreationId::from_bits(1),
        person: Box::new(person(phone)),
        pin: Secret::new("135791"),
        password: Secret::new("a-password"),
    }
}

fn state(world: &mut World, phone: &str) -> (AccountStatus, char) {
    match world.run(&ProviderCall::InquireAccount { phone: Some(phone.into()), provider: None }) {
        Outcome::Account(info) => (info.status, info.level),
        other => panic!("{phone}: {other:?}"),
    }
}

#[test]
fn an_account_exists_once_it_is_created_and_can_then_be_linked() {
    for phone in [NEW, "6281234599001"] {
        let mut world = World::new(&Saldomu);
        assert_eq!(state(&mut world, phone), (AccountStatus::NotRegistered, '0'));
        assert_eq!(world.link(phone).expect_err("nobody"), Reason::AccountNotFound);
        let opened = world.run(&create(phone));
        let account = format!("SDM{phone}");
        assert!(
            matches!(&opened, Outcome::AccountOpened { account_id: Some(id), auth_code: Some(_) } if *id == account),
            "{opened:?}"
        );
        assert_eq!(state(&mut world, phone), (AccountStatus::Active, '2'));
        world.link(phone).expect("a link");
        assert_eq!(world.run(&create(phone)), Outcome::Refused(Reason::NotPermitted), "a second account");
    }
}

#[test]
fn accounts_in_every_state() {
    let mut world = World::new(&Saldomu);
    for (phone, expected) in [
        (SEEDED, (AccountStatus::Active, '2')),
        ("628110000403", (AccountStatus::Blocked, '0')),
        ("628110000404", (AccountStatus::NotRegistered, '0')),
        ("62896227489011", (AccountStatus::NotRegistered, '0')),
    ] {
        assert_eq!(state(&mut world, phone), expected, "{phone}");
    }
    for magic in ["628110000403", "628110000404"] {
        assert_eq!(world.run(&create(magic)), Outcome::Refused(Reason::NotPermitted), "{magic}");
    }
}

/// The code that Saldomu answers to an account creation changed by `change`.
fn answered(change: impl FnOnce(&mut CreateRequest)) -> String {
    let mut world = World::new(&Saldomu);
    let secrets = (Secret::new("135791"), Secret::new("a-password"));
    let mut message =
        mapping::creation(AccountCreationId::from_bits(1), &person(NEW), (&secrets.0, &secrets.1), &world.account);
    change(&mut message);
    let context = CallContext { account: &world.account, now: world.clock.now, token: None, external_id: "99" };
    let request = PROFILE.post("06", &message, None, &context);
    let response = world.send(&request);
    let opened = world.imitation.books().accounts.iter().any(|account| account.phone == NEW);
    let body: serde_json::Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(opened, response.status == 200, "{body}");
    body["responseCode"].as_str().expect("a code").to_owned()
}

#[test]
fn what_is_missing_or_wrong_opens_no_account() {
    assert_eq!(answered(|_| {}), "2000600");
    assert_eq!(answered(|message| message.email.clear()), "4000602");
    assert_eq!(answered(|message| message.additional_info.mother_name.clear()), "4000602");
    assert_eq!(answered(|message| message.additional_info.cust_birth_date.clear()), "4000602");
    assert_eq!(answered(|message| message.phone_no = "0821378692136".into()), "4000601");
    assert_eq!(answered(|message| message.additional_info.cust_pin = "12345".into()), "4000601");
    assert_eq!(answered(|message| message.additional_info.cust_pin = "12345a".into()), "4000601");
    assert_eq!(answered(|message| message.additional_info.ktp_photo = "x".repeat(2049)), "4000601");
    assert_eq!(answered(|message| message.additional_info.selfie_photo.clear()), "4000601");
    assert_eq!(answered(|message| message.additional_info.app_secret_key = "another".into()), "4010600");
    assert_eq!(answered(|message| message.additional_info.app_id = "OTHER".into()), "4010600");
    assert_eq!(answered(|message| message.additional_info.rc_uuid = "another".into()), "4010600");
    assert_eq!(answered(|message| message.additional_info.comm_id = "another".into()), "4010600");
    assert_eq!(answered(|message| message.additional_info.signature = "AAAA".into()), "4010600");
}
