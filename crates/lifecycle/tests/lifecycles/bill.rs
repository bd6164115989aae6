//! Bills until they are sent: each refusal and which of two comes first, what is locked, what is reserved, what is told.

use std::sync::Arc;

use crate::{billing::*, support::Gateway};
use ledger::{AccountName, Class};
use lifecycle::{
    Answer, BillId, Command, MerchantCode, ProductCode, Reason, Refusal, Secret,
    bill::{Asked, Bill, BillStatus, Inquire, Pay, QUOTE_SECONDS},
    biller::{BillerProduct, Price, Pricing},
    notification::Notice,
    provider::{BillDue, Outcome},
    request::{self, RequestKey, ServiceCode},
    task::TaskKind,
};
use money::Amount;

/// Sent, then one word of the source: the state, and how the call was answered.
#[test]
fn what_a_source_says_of_a_payment_decides_its_state_its_money_and_its_answer() {
    let check = |outcome: Outcome, state_name: &str, spent: i64, held: i64| {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        let said = format!("{outcome:?}");
        end(&mut gateway, task, outcome);
        check_books(&gateway);
        let account = account(&gateway, &payer(&gateway));
        assert_eq!((state(&gateway), 20_000_000 - account.balance, account.held), (state_name, spent, held), "{said}");
        let bill = the_bill(&gateway);
        match (gateway.last_answer(), &bill.status) {
            (Answer::Refused(Refusal::Provider(told)), BillStatus::Failed { reason, .. }) => assert_eq!(told, reason),
            (Answer::BillPayment(told), _) => assert_eq!(**told, bill, "{said}"),
            other => panic!("{said}: {other:?}"),
        }
    };
    check(paid(), "succeeded", CHARGE, 0);
    check(with(|receipt| receipt.bill_amount = None), "succeeded", CHARGE, 0);
    check(without_token(), "in_process", 0, RESERVED);
    check(with(|receipt| receipt.token = Some(Secret::new(""))), "in_process", 0, RESERVED);
    check(of_another_amount(), "unknown", 0, RESERVED);
    check(Outcome::Pending, "in_process", 0, RESERVED);
    check(unknown(), "unknown", 0, RESERVED);
    check(Outcome::NotFound, "unknown", 0, RESERVED);
    check(Outcome::Unlinked, "unknown", 0, RESERVED);
    check(refused(Reason::RepeatedAtSource), "unknown", 0, RESERVED);
    for reason in [
        Reason::CustomerUnknown,
        Reason::BillPaidAlready,
        Reason::NothingDue,
        Reason::AmountInvalid,
        Reason::DoNotHonor,
        Reason::NotPermitted,
    ] {
        check(refused(reason), "failed", 0, 0);
    }
    check(Outcome::BillReversed, "failed", 0, 0);
}

#[test]
fn every_part_of_a_paid_bill_is_posted_in_the_commit_that_says_so() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    assert_eq!(account(&gateway, &payer(&gateway)).held, RESERVED, "amount and fee before the source is called");
    end(&mut gateway, task, paid());
    let journal = gateway.entries.last().unwrap().journal;
    let of_journal = gateway.entries.iter().filter(|entry| entry.journal == journal);
    let lines: Vec<_> =
        of_journal.map(|entry| (entry.account.to_string(), entry.purpose.name(), entry.change)).collect();
    let line = |account: &str, purpose, change| (account.to_owned(), purpose, change);
    assert_eq!(
        lines,
        [
            line("deposit:TOKO", "bill", -5_250_000),
            line("deposit:TOKO", "fee", -30_000),
            line("deposit:TOKO", "margin", 100_000),
            line("float:TOKO:first", "cost", -4_950_000),
            line("fee:TOKO", "fee", 230_000),
        ]
    );
}

#[test]
fn a_source_that_costs_more_than_the_merchant_pays_costs_us_and_not_the_merchant() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, with(|receipt| receipt.cost = Some(rupiah(60_000))));
    assert_eq!(of_class(&gateway, Class::FeeRevenue).balance, CHARGE - 6_000_000);
    assert_eq!(available(&gateway), 20_000_000 - CHARGE);
    check_books(&gateway);
}

#[test]
fn what_a_source_takes_is_what_it_said_last_and_never_what_another_source_said() {
    let check = |cost: Option<Amount>, pass_on: bool, expected: i64| {
        let mut gateway = with_deposit(200_000);
        let mut task = sent(&mut gateway);
        if pass_on {
            end(&mut gateway, task, refused(Reason::ProductUnavailable));
            task = pay_task(&mut gateway);
        }
        end(&mut gateway, task, with(|receipt| receipt.cost = cost));
        assert_eq!(-float(&gateway, SOURCES[usize::from(pass_on)]), expected);
        check_books(&gateway);
    };
    check(Some(rupiah(48_000)), false, 4_800_000);
    check(None, false, 4_900_000);
    check(Some(rupiah(48_000)), true, 4_800_000);
    check(None, true, 5_000_000);
}

/// A refusal of a payment, and which one is said when several could be.
#[test]
fn a_payment_is_refused_before_any_money_is_reserved_and_the_first_reason_is_told() {
    let check = |prepare: &dyn Fn(&mut Gateway), change: &dyn Fn(&mut Pay), expected: Result<(), Refusal>| {
        let mut gateway = with_deposit(100_000);
        inquired(&mut gateway, token_product(), 50_000);
        prepare(&mut gateway);
        let mut command = payment(&mut gateway, token_product(), METER, rupiah(52_500));
        change(&mut command);
        let entries = gateway.entries.len();
        let result = gateway.run(Command::PayBill(command));
        assert_eq!(result, expected);
        if expected.is_err() {
            assert_eq!(gateway.entries.len(), entries, "nothing is reserved");
        }
    };
    let closed: &dyn Fn(&mut Pay) = &|pay| pay.closed = Some("2026-11-21 00:30:00".into());
    let wrong_amount: &dyn Fn(&mut Pay) = &|pay| pay.amount = rupiah(50_000);
    let as_it_is: &dyn Fn(&mut Pay) = &|_| {};
    let ready: &dyn Fn(&mut Gateway) = &|_| {};
    let expired: &dyn Fn(&mut Gateway) = &|gateway| gateway.now = gateway.now.plus_seconds(QUOTE_SECONDS);
    let poor: &dyn Fn(&mut Gateway) = &|gateway| {
        let other = payment(gateway, credit_product(), "081218816222", rupiah(52_500));
        gateway.run(Command::PayBill(other)).unwrap();
    };
    let already: &dyn Fn(&mut Gateway) = &|gateway| pay(gateway, token_product(), rupiah(52_500)).unwrap();
    let other_products: &dyn Fn(&mut Gateway) = &|gateway| {
        gateway.merchant.biller.as_mut().unwrap().products = Some(vec![ProductCode::new("OTHER")]);
    };
    check(ready, as_it_is, Ok(()));
    let mut gateway = with_deposit(100_000);
    let command = payment(&mut gateway, token_product(), METER, rupiah(52_500));
    gateway.merchant.biller = None;
    assert_eq!(gateway.run(Command::PayBill(command)), Err(Refusal::ProductNotAllowed));
    check(other_products, closed, Err(Refusal::ProductNotAllowed));
    check(ready, &|pay| Arc::make_mut(&mut pay.product).sources.clear(), Err(Refusal::ProductNotAllowed));
    check(
        ready,
        &|pay| pay.payer = AccountName::of(Class::MerchantReceivable, "TOKO"),
        Err(Refusal::ProductNotAllowed),
    );
    check(already, closed, Err(Refusal::ProductClosed("2026-11-21 00:30:00".into())));
    check(ready, &|pay| pay.order_id = "520520795557".into(), Err(Refusal::BillNotInquired));
    check(already, as_it_is, Err(Refusal::SameTransaction));
    check(already, wrong_amount, Err(Refusal::BillNotInquired));
    check(expired, wrong_amount, Err(Refusal::InquiryExpired));
    check(expired, as_it_is, Err(Refusal::InquiryExpired));
    check(poor, wrong_amount, Err(Refusal::BillAmountDiffers));
    check(poor, as_it_is, Err(Refusal::DepositInsufficient));
    check(ready, &|pay| (pay.amount, pay.face) = (rupiah(500), Some(rupiah(50_000))), Ok(()));
    check(ready, &|pay| (pay.amount, pay.face) = (rupiah(500), Some(rupiah(49_000))), Err(Refusal::BillAmountDiffers));
}

#[test]
fn the_last_moment_of_an_inquiry_still_counts() {
    let mut gateway = with_deposit(100_000);
    inquired(&mut gateway, token_product(), 50_000);
    gateway.now = gateway.now.plus_seconds(QUOTE_SECONDS - 1);
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Ok(()));
}

#[test]
fn credit_is_reserved_up_to_its_limit_and_not_a_sen_further() {
    let limit = u32::try_from(RESERVED / 100).unwrap();
    let check = |limit: u32, expected: Result<(), Refusal>| {
        let mut gateway = selling(invoicing(limit));
        assert_eq!(pay(&mut gateway, credit_product(), rupiah(52_500)), expected);
        check_books(&gateway);
    };
    check(limit, Ok(()));
    check(limit - 1, Err(Refusal::CreditLimitExceeded));
}

#[test]
fn exactly_the_affordable_number_is_sold() {
    let mut gateway = with_deposit(1_000_000);
    let mut sold = 0;
    for buyer in 0..200 {
        let pay = payment(&mut gateway, credit_product(), &format!("08121{buyer:06}"), rupiah(52_500));
        match gateway.run(Command::PayBill(pay)) {
            Ok(()) => sold += 1,
            refusal => assert_eq!(refusal, Err(Refusal::DepositInsufficient)),
        }
        check_books(&gateway);
    }
    assert_eq!(sold, 100_000_000 / RESERVED);
}

#[test]
fn a_deposit_that_falls_below_its_level_is_told_once() {
    let mut gateway = with_deposit(200_000);
    for (buyer, warnings) in [(1, 0), (2, 1), (3, 1)] {
        let pay = payment(&mut gateway, credit_product(), &format!("0812100000{buyer}"), rupiah(52_500));
        gateway.run(Command::PayBill(pay)).unwrap();
        assert_eq!(gateway.notices.len(), warnings);
    }
    let Notice::LowBalance(notice) = &gateway.notices[0] else { panic!("a low balance") };
    assert_eq!((notice.available.sen(), notice.warning_level), (20_000_000 - 2 * RESERVED, rupiah(100_000)));
}

// The same order again.

#[test]
fn the_same_order_is_not_taken_again_while_its_outcome_is_open_nor_shortly_after_it_was_paid() {
    for outcome in [None, Some(unknown()), Some(Outcome::Pending), Some(of_another_amount())] {
        let mut gateway = with_deposit(500_000);
        pay(&mut gateway, credit_product(), rupiah(52_500)).unwrap();
        if let Some(outcome) = outcome {
            let task = pay_task(&mut gateway);
            end(&mut gateway, task, outcome);
        }
        gateway.now = gateway.now.plus_seconds(30 * 24 * 3600);
        assert_eq!(pay(&mut gateway, credit_product(), rupiah(52_500)), Err(Refusal::SameTransaction));
    }
    let mut gateway = with_deposit(500_000);
    pay(&mut gateway, credit_product(), rupiah(52_500)).unwrap();
    let task = pay_task(&mut gateway);
    end(&mut gateway, task, paid());
    gateway.now = gateway.now.plus_seconds(299);
    assert_eq!(pay(&mut gateway, credit_product(), rupiah(52_500)), Err(Refusal::SameTransaction));
    gateway.now = gateway.now.plus_seconds(1);
    assert_eq!(pay(&mut gateway, credit_product(), rupiah(52_500)), Ok(()));
}

#[test]
fn what_failed_or_was_taken_back_may_be_bought_again_at_once() {
    let mut gateway = with_deposit(500_000);
    pay(&mut gateway, credit_product(), rupiah(52_500)).unwrap();
    let task = pay_task(&mut gateway);
    end(&mut gateway, task, refused(Reason::DoNotHonor));
    pay(&mut gateway, credit_product(), rupiah(52_500)).unwrap();
    let task = pay_task(&mut gateway);
    end(&mut gateway, task, paid());
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    assert_eq!(pay(&mut gateway, credit_product(), rupiah(52_500)), Ok(()));
}

/// Top-ups of one wallet: the customer chooses the amount, the product names no inquiry.
fn open_product() -> BillerProduct {
    BillerProduct {
        pricing: Pricing::Open { min: rupiah(10_000), max: rupiah(1_000_000) },
        price: Price::default(),
        ..credit_product()
    }
}

#[test]
fn another_amount_waits_until_the_first_is_known_and_does_not_hide_it_afterwards() {
    let mut gateway = with_deposit(500_000);
    let settle = |gateway: &mut Gateway, amount| {
        let task = pay_task(gateway);
        end(gateway, task, with(|receipt| receipt.bill_amount = Some(amount)));
    };
    pay(&mut gateway, open_product(), rupiah(50_000)).unwrap();
    assert_eq!(pay(&mut gateway, open_product(), rupiah(60_000)), Err(Refusal::SameTransaction), "perhaps the same");
    settle(&mut gateway, rupiah(50_000));
    pay(&mut gateway, open_product(), rupiah(60_000)).unwrap();
    settle(&mut gateway, rupiah(60_000));
    assert_eq!(pay(&mut gateway, open_product(), rupiah(50_000)), Err(Refusal::SameTransaction));
    assert_eq!(pay(&mut gateway, open_product(), rupiah(60_000)), Err(Refusal::SameTransaction));
    assert_eq!(pay(&mut gateway, open_product(), rupiah(70_000)), Ok(()));
}

#[test]
fn a_call_that_waited_behind_a_younger_one_of_its_order_is_refused() {
    let mut gateway = with_deposit(500_000);
    let waited = payment(&mut gateway, open_product(), METER, rupiah(60_000));
    pay(&mut gateway, open_product(), rupiah(50_000)).unwrap();
    let task = pay_task(&mut gateway);
    end(&mut gateway, task, with(|_| ()));
    assert_eq!(gateway.run(Command::PayBill(waited)), Err(Refusal::SameTransaction));
}

#[test]
fn a_uuid_is_used_once_whatever_the_day_and_the_service() {
    let mut gateway = with_deposit(500_000);
    let first = payment(&mut gateway, credit_product(), METER, rupiah(52_500)).request;
    let merchant = MerchantCode::new("TOKO");
    assert_eq!(first.key, RequestKey::for_ever(merchant.clone(), first.key.external_id.clone()));
    let mut again = request::Request { service: ServiceCode::BILL_STATUS, ..first.clone() };
    again.received_at = again.received_at.plus_seconds(400 * 24 * 3600);
    assert_eq!(request::admit(&again, Some(&first), None), Err(Refusal::ExternalIdUsed));
}

// Inquiries.

#[test]
fn what_a_source_says_is_due_becomes_an_amount_that_is_locked() {
    let mut gateway = with_deposit(200_000);
    inquired(&mut gateway, token_product(), 50_000);
    let bill = the_bill(&gateway);
    let Answer::BillInquired(told) = gateway.last_answer() else { panic!("an inquiry's answer") };
    assert_eq!(**told, bill);
    let quote = bill.quote.unwrap();
    assert_eq!(
        (quote.amount, quote.admin_fee, quote.fee, quote.margin),
        (rupiah(52_500), rupiah(2_500), rupiah(300), rupiah(1_000))
    );
    assert_eq!(bill.status, BillStatus::Inquired { expires_at: gateway.now.plus_seconds(QUOTE_SECONDS) });
    check_books(&gateway);
}

fn due_product() -> BillerProduct {
    BillerProduct { pricing: Pricing::Due, ..token_product() }
}

#[test]
fn an_inquiry_that_finds_nothing_ends_and_says_why() {
    let check = |outcome: Outcome, expected: Refusal| {
        let mut gateway = with_deposit(200_000);
        let single = BillerProduct { sources: due_product().sources[..1].to_vec(), ..due_product() };
        inquire(&mut gateway, single, None).unwrap();
        let task = live(&mut gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
        end(&mut gateway, task, outcome);
        assert_eq!((gateway.last_answer(), state(&gateway)), (&Answer::Refused(expected), "failed"));
        assert_eq!(pay(&mut gateway, due_product(), rupiah(52_500)), Err(Refusal::BillNotInquired));
    };
    check(refused(Reason::CustomerUnknown), Refusal::Provider(Reason::CustomerUnknown));
    check(refused(Reason::BillPaidAlready), Refusal::Provider(Reason::BillPaidAlready));
    check(refused(Reason::CutOff), Refusal::Provider(Reason::CutOff));
    check(due_of(0), Refusal::Provider(Reason::NothingDue));
    check(unknown(), Refusal::ProviderSilent);
    check(Outcome::Pending, Refusal::ProviderSilent);
    let many = BillDue {
        bill_amount: Amount::from_sen(i64::MAX).unwrap(),
        bills: u32::MAX,
        ..match due_of(1) {
            Outcome::BillDue(due) => *due,
            other => panic!("{other:?}"),
        }
    };
    check(Outcome::BillDue(Box::new(many)), Refusal::Provider(Reason::AmountInvalid));
}

#[test]
fn an_open_amount_must_be_chosen_within_its_bounds() {
    let check = |chosen: Option<u32>, expected| {
        let mut gateway = with_deposit(200_000);
        let product = BillerProduct { needs_inquiry: true, ..open_product() };
        assert_eq!(inquire(&mut gateway, product, chosen.map(rupiah)), expected);
    };
    check(Some(10_000), Ok(()));
    check(Some(1_000_000), Ok(()));
    for chosen in [None, Some(9_999), Some(1_000_001)] {
        check(chosen, Err(Refusal::BillAmountDiffers));
    }
}

/// Sources take whole rupiah: they would deliver less than the customer paid, and say so for ever.
#[test]
fn an_open_amount_is_of_whole_rupiah() {
    let sen = |sen| Amount::from_sen(sen).unwrap();
    let mut gateway = with_deposit(200_000);
    let inquired_first = || BillerProduct { needs_inquiry: true, ..open_product() };
    for amount in [5_000_001, 5_000_050, 5_000_099] {
        assert_eq!(inquire(&mut gateway, inquired_first(), Some(sen(amount))), Err(Refusal::BillAmountDiffers));
        assert_eq!(pay(&mut gateway, open_product(), sen(amount)), Err(Refusal::BillAmountDiffers));
    }
    assert_eq!(inquire(&mut gateway, inquired_first(), Some(sen(5_000_100))), Ok(()));
    assert_eq!(pay(&mut gateway, open_product(), sen(5_000_100)), Ok(()));
}

/// What is paid is what the source says: another amount than the one that was chosen would be found out too late.
#[test]
fn a_source_that_names_another_amount_than_the_chosen_one_is_passed_over() {
    let mut gateway = with_deposit(200_000);
    let product = BillerProduct { needs_inquiry: true, ..open_product() };
    inquire(&mut gateway, product, Some(rupiah(50_000))).unwrap();
    for (source, then) in [(0, "inquiring"), (1, "failed")] {
        assert_eq!(the_bill(&gateway).source, source);
        let task = live(&mut gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
        end(&mut gateway, task, due_of(60_000));
        assert_eq!(state(&gateway), then);
    }
    assert_eq!(gateway.last_answer(), &Answer::Refused(Refusal::BillAmountDiffers));
}

#[test]
fn an_inquiry_of_a_closed_or_strange_product_asks_nobody() {
    let mut gateway = with_deposit(200_000);
    let ask = |gateway: &mut Gateway, closed: Option<&str>| {
        let Pay { request, product, order_id, .. } = payment(gateway, token_product(), METER, rupiah(1));
        let closed = closed.map(str::to_owned);
        gateway.run(Command::InquireBill(Inquire {
            request,
            product,
            order_id,
            additional: vec![],
            chosen: None,
            closed,
        }))
    };
    assert_eq!(ask(&mut gateway, Some("until")), Err(Refusal::ProductClosed("until".into())));
    gateway.merchant.biller.as_mut().unwrap().products = Some(vec![]);
    assert_eq!(ask(&mut gateway, Some("until")), Err(Refusal::ProductNotAllowed));
    assert!(gateway.tasks.is_empty());
}

#[test]
fn a_question_passes_on_to_the_next_source_and_a_late_answer_of_the_first_is_not_taken_for_the_seconds() {
    let mut gateway = with_deposit(200_000);
    inquire(&mut gateway, token_product(), None).unwrap();
    let first = live(&mut gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
    end(&mut gateway, first.clone(), unknown());
    assert_eq!((the_bill(&gateway).source, state(&gateway), gateway.answers.len()), (1, "inquiring", 0));
    for outcome in [due_of(50_000), refused(Reason::CustomerUnknown), unknown()] {
        end(&mut gateway, first.clone(), outcome);
        assert_eq!((the_bill(&gateway).source, state(&gateway), gateway.answers.len()), (1, "inquiring", 0));
    }
    let second = live(&mut gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
    end(&mut gateway, second, due_of(50_000));
    assert_eq!((state(&gateway), gateway.answers.len()), ("inquired", 1));
    assert!(the_bill(&gateway).reference().starts_with('B'), "a reference of its own");
}

// Midnight.

#[test]
fn an_inquiry_of_yesterday_is_paid_under_a_new_reference() {
    let before_midnight = calendar::Instant::parse("2026-11-21T23:59:00+07:00").unwrap();
    let check = |wait: i64, letter: char, inquired_| {
        let mut gateway = with_deposit(200_000);
        gateway.now = before_midnight;
        inquired(&mut gateway, token_product(), 50_000);
        gateway.now = gateway.now.plus_seconds(wait);
        pay(&mut gateway, token_product(), rupiah(52_500)).unwrap();
        let bill = the_bill(&gateway);
        assert_eq!((bill.reference().chars().next(), bill.inquired), (Some(letter), inquired_));
        let task = pay_task(&mut gateway);
        end(&mut gateway, task, refused(Reason::ProductUnavailable));
        let next = the_bill(&gateway);
        assert_eq!((next.source, next.attempt), (1, bill.attempt + 1), "one new reference more for the next source");
        notice(&mut gateway, bill.id, bill.attempt, paid()).unwrap();
        assert_eq!(float(&gateway, "first"), -4_950_000, "the earlier reference is still known");
        check_books(&gateway);
    };
    check(59, 'A', true);
    check(60, 'B', false);
}

// Questions of merchants.

#[test]
fn a_status_is_told_to_its_merchant_and_only_of_what_was_sent() {
    let mut gateway = with_deposit(500_000);
    let by_order = || Asked::Order(ProductCode::new("TOKEN50"), METER.into());
    assert_eq!(ask_status(&mut gateway, by_order()), Err(Refusal::BillNotFound));
    inquired(&mut gateway, token_product(), 50_000);
    let first = the_bill(&gateway);
    assert_eq!(Bill::id_of_ref(&first.ref_id()), Some(first.id));
    for asked in [by_order(), Asked::Bill(first.id)] {
        assert_eq!(ask_status(&mut gateway, asked), Err(Refusal::BillNotFound), "an inquiry is no payment");
    }
    pay(&mut gateway, token_product(), rupiah(52_500)).unwrap();
    inquired(&mut gateway, token_product(), 50_000);
    let told = ask_status(&mut gateway, by_order()).unwrap();
    assert_eq!(told.id, first.id, "a later inquiry does not hide the payment");
    assert_eq!(ask_status(&mut gateway, Asked::Bill(BillId::from_bits(4))), Err(Refusal::BillNotFound));
    gateway.merchant.code = MerchantCode::new("OTHER");
    assert_eq!(ask_status(&mut gateway, Asked::Bill(first.id)), Err(Refusal::BillNotFound));
}

#[test]
fn the_balance_is_what_can_be_spent_and_only_deposits_have_one() {
    let mut gateway = with_deposit(200_000);
    sent(&mut gateway);
    let read = |gateway: &mut Gateway| {
        let request = payment(gateway, token_product(), METER, rupiah(1)).request;
        gateway.run(Command::ReadDeposit(request))
    };
    read(&mut gateway).unwrap();
    let sen = |sen| Amount::from_sen(sen).unwrap();
    let told = Answer::BillerBalance { available: sen(20_000_000 - RESERVED), held: sen(RESERVED) };
    assert_eq!(gateway.last_answer(), &told);
    gateway.merchant.biller.as_mut().unwrap().mechanism = invoicing(1);
    assert_eq!(read(&mut gateway), Err(Refusal::NoDeposit));
    let request = payment(&mut gateway, token_product(), METER, rupiah(1)).request;
    gateway.merchant.biller = None;
    assert_eq!(gateway.run(Command::ReadDeposit(request)), Err(Refusal::NoDeposit));
}

#[test]
fn the_products_are_answered_from_the_registration() {
    let mut gateway = with_deposit(1);
    let request = payment(&mut gateway, token_product(), METER, rupiah(1)).request;
    gateway.run(Command::ListBillerProducts(request)).unwrap();
    assert_eq!(gateway.last_answer(), &Answer::BillerProducts);
}

// Amounts.

/// The quote of a bill that is paid without an inquiry over this total.
fn quoted(product: BillerProduct, total: Amount) -> Option<(i64, i64)> {
    let mut gateway = with_deposit(2_000_000);
    match pay(&mut gateway, product, total) {
        Ok(()) => the_bill(&gateway).quote.map(|quote| (quote.bill_amount.sen(), quote.admin_fee.sen())),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::BillAmountDiffers);
            None
        }
    }
}

#[test]
fn a_total_that_a_merchant_names_holds_the_fees_of_its_product() {
    let priced = |admin_fee_sen, admin_fee_bp, admin_included| BillerProduct {
        price: Price { admin_fee_sen, admin_fee_bp, fee_sen: 0, margin_sen: 0 },
        admin_included,
        ..open_product()
    };
    let check =
        |product: BillerProduct, total, expected| assert_eq!(quoted(product, rupiah(total)), expected, "{total}");
    check(priced(0, 0, false), 50_000, Some((5_000_000, 0)));
    check(priced(250_000, 0, false), 52_500, Some((5_000_000, 250_000)));
    check(priced(250_000, 0, false), 2_500, None);
    check(priced(250_000, 0, false), 2_499, None);
    check(priced(0, 150, false), 101_500, Some((10_000_000, 150_000)));
    check(priced(250_000, 0, true), 52_500, Some((5_250_000, 250_000)));
    check(priced(250_000, 0, true), 2_499, None);
    check(priced(0, 0, false), 9_999, None);
    check(priced(0, 0, false), 1_000_001, None);
    // A fee of Rp 0.5 and more is rounded up to a rupiah: no bill of whole sen costs Rp 50.00 with 1 %.
    let step =
        BillerProduct { pricing: Pricing::Open { min: Amount::ZERO, max: rupiah(1_000) }, ..priced(0, 100, false) };
    assert_eq!(quoted(step.clone(), Amount::from_sen(5_050).unwrap()), None);
    assert_eq!(quoted(step, Amount::from_sen(5_100).unwrap()), Some((5_000, 100)));
}

#[test]
fn an_admin_fee_that_is_in_the_bill_is_not_taken_twice_and_one_that_is_not_is_taken_for_each_month() {
    let check = |included: bool, bills: u32, expected: (u32, u32)| {
        let mut gateway = with_deposit(200_000);
        let product = BillerProduct { admin_included: included, ..due_product() };
        inquire(&mut gateway, product, None).unwrap();
        let task = live(&mut gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
        let Outcome::BillDue(mut due) = due_of(105_000) else { panic!("due") };
        due.bills = bills;
        end(&mut gateway, task, Outcome::BillDue(due));
        let quote = the_bill(&gateway).quote.unwrap();
        assert_eq!((quote.amount, quote.admin_fee), (rupiah(expected.0), rupiah(expected.1)));
        assert_eq!(quote.bill_amount, rupiah(105_000), "what the source is paid");
    };
    check(false, 1, (107_500, 2_500));
    check(false, 3, (112_500, 7_500));
    check(false, 0, (107_500, 2_500));
    check(true, 1, (105_000, 2_500));
    check(true, 2, (105_000, 5_000));
}

#[test]
fn a_merchants_own_price_counts_from_the_bills_beginning() {
    let mut gateway = with_deposit(200_000);
    let price = Price { admin_fee_sen: 100_000, ..Price::default() };
    gateway.merchant.biller.as_mut().unwrap().prices = vec![(ProductCode::new("TOKEN50"), price)];
    inquired(&mut gateway, token_product(), 50_000);
    gateway.merchant.biller.as_mut().unwrap().prices.clear();
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Err(Refusal::BillAmountDiffers));
    assert_eq!(pay(&mut gateway, token_product(), rupiah(51_000)), Ok(()));
}

#[test]
fn a_merchants_margin_is_never_more_than_the_admin_fee() {
    let quote = Price { admin_fee_sen: 100, admin_fee_bp: 0, fee_sen: 0, margin_sen: 500 }.quote(rupiah(1)).unwrap();
    assert_eq!(quote.margin.sen(), 100);
}
