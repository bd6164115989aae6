//! Top-ups: two steps, each once, whatever is repeated.

use crate::{
    billing::{account, check_books, invoicing, payer, rupiah, selling, with_deposit},
    support::Gateway,
};
use ledger::{AccountName, Class};
use lifecycle::{Command, MerchantCode, Refusal, deposit::TopUpStep};
use money::Amount;

fn step(gateway: &Gateway, reference: &str, amount: Amount) -> TopUpStep {
    TopUpStep { merchant: gateway.merchant.code.clone(), reference: reference.into(), amount }
}

#[test]
fn a_top_up_counts_once_however_often_its_steps_are_repeated() {
    let mut gateway = with_deposit(100_000);
    let step = step(&gateway, "transfer-2", rupiah(50_000));
    for _ in 0..3 {
        gateway.run(Command::RequestTopUp(step.clone())).unwrap();
        assert_eq!(account(&gateway, &payer(&gateway)).balance, 10_000_000, "nothing before it is confirmed");
    }
    for _ in 0..3 {
        gateway.run(Command::ConfirmTopUp(step.clone())).unwrap();
        assert_eq!(account(&gateway, &payer(&gateway)).balance, 15_000_000);
    }
    gateway.run(Command::RequestTopUp(step)).unwrap();
    let clearing = AccountName::of(Class::Clearing, "TOKO");
    assert_eq!(account(&gateway, &clearing).balance, 15_000_000, "what came in at the bank");
    check_books(&gateway);
}

#[test]
fn steps_that_mean_nothing_or_something_else_are_refused() {
    let mut gateway = with_deposit(100_000);
    let known = step(&gateway, "transfer-2", rupiah(50_000));
    gateway.run(Command::RequestTopUp(known.clone())).unwrap();
    let other = TopUpStep { amount: rupiah(50_001), ..known.clone() };
    let request = |step: &TopUpStep| Command::RequestTopUp(step.clone());
    let confirm = |step: &TopUpStep| Command::ConfirmTopUp(step.clone());
    let check = |gateway: &mut Gateway, command, expected| assert_eq!(gateway.run(command), Err(expected));
    check(&mut gateway, request(&other), Refusal::ReferenceDiffers);
    check(&mut gateway, confirm(&other), Refusal::ReferenceDiffers);
    check(&mut gateway, request(&TopUpStep { amount: Amount::ZERO, ..known.clone() }), Refusal::StepImpossible);
    check(&mut gateway, request(&TopUpStep { reference: String::new(), ..known.clone() }), Refusal::StepImpossible);
    check(&mut gateway, confirm(&TopUpStep { reference: "other".into(), ..known.clone() }), Refusal::StepImpossible);
    let stranger = TopUpStep { merchant: MerchantCode::new("OTHER"), ..known.clone() };
    check(&mut gateway, request(&stranger), Refusal::StepImpossible);
    check(&mut gateway, confirm(&stranger), Refusal::StepImpossible);

    let mut gateway = selling(invoicing(1_000_000));
    check(&mut gateway, request(&known), Refusal::NoDeposit);
    gateway.merchant.biller = None;
    check(&mut gateway, confirm(&known), Refusal::NoDeposit);
}
