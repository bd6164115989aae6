//! Invoices: every entry of a receivable is billed once, paid once, and late payers buy nothing.

use crate::{billing::*, support::Gateway};
use ledger::{AccountName, Class, Entry};
use lifecycle::{
    Command, InvoiceId, Key, MerchantCode, Refusal, Row,
    invoice::{Invoice, InvoiceBook, Issue, Settle, billed_sen},
    provider::Outcome,
};
use money::Amount;
use proptest::prelude::*;

fn buy(gateway: &mut Gateway, order_id: &str, outcome: Outcome) {
    let pay = payment(gateway, credit_product(), order_id, rupiah(52_500));
    gateway.run(Command::PayBill(pay)).unwrap();
    let task = pay_task(gateway);
    end(gateway, task, outcome);
}

fn receivable(gateway: &Gateway) -> ledger::Account {
    of_class(gateway, Class::MerchantReceivable)
}

fn book(gateway: &Gateway) -> Option<InvoiceBook> {
    match gateway.rows.get(&Key::InvoiceBook(gateway.merchant.code.clone())) {
        Some(Row::InvoiceBook(book)) => Some((**book).clone()),
        _ => None,
    }
}

fn invoices(gateway: &Gateway) -> Vec<Invoice> {
    let invoice = |row: &Row| match row {
        Row::Invoice(invoice) => Some((**invoice).clone()),
        _ => None,
    };
    gateway.rows.values().filter_map(invoice).collect()
}

fn entries_between(gateway: &Gateway, after: u64, through: u64) -> Vec<Entry> {
    let name = AccountName::of(Class::MerchantReceivable, "TOKO");
    let within = |entry: &&Entry| entry.account == name && entry.sequence > after && entry.sequence <= through;
    gateway.entries.iter().filter(within).cloned().collect()
}

/// What the operator's door does: bills everything up to now.
fn issue_all(gateway: &Gateway) -> Issue {
    let after = book(gateway).map_or(0, |book| book.billed_through);
    let through = receivable(gateway).sequence;
    let total = billed_sen(&entries_between(gateway, after, through)).unwrap();
    Issue {
        merchant: gateway.merchant.code.clone(),
        after_sequence: after,
        through_sequence: through,
        total: Amount::from_sen(total).unwrap_or(Amount::ZERO),
        period_end: gateway.now,
    }
}

fn issued(gateway: &mut Gateway) -> Invoice {
    let known: Vec<InvoiceId> = invoices(gateway).iter().map(|invoice| invoice.id).collect();
    gateway.run(Command::IssueInvoice(issue_all(gateway))).unwrap();
    invoices(gateway).into_iter().find(|invoice| !known.contains(&invoice.id)).unwrap()
}

fn settle(gateway: &mut Gateway, invoice: InvoiceId, reference: &str, amount: Amount) -> Result<(), Refusal> {
    let merchant = gateway.merchant.code.clone();
    gateway.run(Command::SettleInvoice(Settle { merchant, invoice, reference: reference.into(), amount }))
}

#[test]
fn an_invoice_bills_what_was_bought_and_is_paid_in_parts() {
    let mut gateway = selling(invoicing(1_000_000));
    buy(&mut gateway, "08110000001", paid());
    buy(&mut gateway, "08110000002", Outcome::Refused(lifecycle::Reason::CustomerUnknown));
    buy(&mut gateway, "08110000003", paid());
    let invoice = issued(&mut gateway);
    assert_eq!((invoice.total.sen(), invoice.state_name()), (2 * CHARGE, "issued"));
    assert_eq!(invoice.number, "INV/2023/11/TOKO/1");
    assert_eq!(gateway.run(Command::IssueInvoice(issue_all(&gateway))), Err(Refusal::StepImpossible), "nothing new");

    settle(&mut gateway, invoice.id, "transfer-1", rupiah(50_000)).unwrap();
    settle(&mut gateway, invoice.id, "transfer-1", rupiah(50_000)).unwrap();
    assert_eq!(invoices(&gateway)[0].state_name(), "part_paid");
    assert_eq!(receivable(&gateway).balance, 2 * CHARGE - 5_000_000, "the same reference counts once");
    let outstanding = invoices(&gateway)[0].outstanding();
    let more = outstanding.checked_add(Amount::from_sen(1).unwrap()).unwrap();
    let check = |gateway: &mut Gateway, reference: &str, amount, expected| {
        assert_eq!(settle(gateway, invoice.id, reference, amount), Err(expected));
    };
    check(&mut gateway, "transfer-1", rupiah(50_001), Refusal::ReferenceDiffers);
    check(&mut gateway, "transfer-2", more, Refusal::StepImpossible);
    check(&mut gateway, "transfer-2", Amount::ZERO, Refusal::StepImpossible);
    check(&mut gateway, "", outstanding, Refusal::StepImpossible);
    assert_eq!(
        settle(&mut gateway, InvoiceId::from_bits(1), "transfer-2", outstanding),
        Err(Refusal::StepImpossible),
        "there is no such invoice"
    );
    settle(&mut gateway, invoice.id, "transfer-2", outstanding).unwrap();
    assert_eq!((invoices(&gateway)[0].state_name(), receivable(&gateway).balance), ("paid", 0));
    assert_eq!(book(&gateway).unwrap().open, vec![]);
    check_books(&gateway);
}

#[test]
fn what_was_paid_of_one_invoice_is_not_billed_by_the_next() {
    let mut gateway = selling(invoicing(1_000_000));
    buy(&mut gateway, "08110000001", paid());
    let first = issued(&mut gateway);
    settle(&mut gateway, first.id, "transfer-1", first.total).unwrap();
    buy(&mut gateway, "08110000002", paid());
    let second = issued(&mut gateway);
    assert_eq!((second.total.sen(), second.from_sequence), (CHARGE, first.through_sequence + 1));
}

#[test]
fn a_reversal_lowers_the_next_invoice_and_alone_makes_none() {
    let mut gateway = selling(invoicing(1_000_000));
    buy(&mut gateway, "08110000001", paid());
    let bill = the_bill(&gateway);
    issued(&mut gateway);
    notice(&mut gateway, bill.id, 0, Outcome::BillReversed).unwrap();
    assert_eq!(gateway.run(Command::IssueInvoice(issue_all(&gateway))), Err(Refusal::StepImpossible));
    for order_id in ["08110000002", "08110000003"] {
        buy(&mut gateway, order_id, paid());
    }
    assert_eq!(issued(&mut gateway).total.sen(), CHARGE);
}

#[test]
fn an_invoice_of_entries_that_are_not_there_or_were_billed_is_refused() {
    let mut gateway = selling(invoicing(1_000_000));
    buy(&mut gateway, "08110000001", paid());
    let right = issue_all(&gateway);
    let check = |gateway: &mut Gateway, issue: Issue| {
        assert_eq!(gateway.run(Command::IssueInvoice(issue)), Err(Refusal::StepImpossible));
    };
    check(&mut gateway, Issue { through_sequence: right.through_sequence + 1, ..right.clone() });
    check(&mut gateway, Issue { after_sequence: 1, ..right.clone() });
    check(&mut gateway, Issue { through_sequence: 0, ..right.clone() });
    check(&mut gateway, Issue { total: Amount::ZERO, ..right.clone() });
    check(&mut gateway, Issue { merchant: MerchantCode::new("OTHER"), ..right.clone() });
    gateway.run(Command::IssueInvoice(right.clone())).unwrap();
    check(&mut gateway, right.clone());
    gateway.merchant.biller.as_mut().unwrap().mechanism = deposit();
    check(&mut gateway, Issue { after_sequence: right.through_sequence, ..right });
}

#[test]
fn who_is_late_with_an_invoice_buys_nothing_until_it_is_paid_in_full() {
    let mut gateway = selling(invoicing(1_000_000));
    buy(&mut gateway, "08110000001", paid());
    let invoice = issued(&mut gateway);
    let mut orders = 2..;
    let mut tries = |gateway: &mut Gateway| {
        let order_id = format!("0811000000{}", orders.next().unwrap());
        let pay = payment(gateway, credit_product(), &order_id, rupiah(52_500));
        gateway.run(Command::PayBill(pay))
    };
    gateway.now = invoice.due_at;
    assert_eq!(tries(&mut gateway), Ok(()), "the last moment is in time");
    gateway.now = invoice.due_at.plus_seconds(1);
    assert_eq!(tries(&mut gateway), Err(Refusal::InvoiceOverdue));
    settle(&mut gateway, invoice.id, "part", rupiah(10_000)).unwrap();
    assert_eq!(tries(&mut gateway), Err(Refusal::InvoiceOverdue), "a part is not the whole");
    let outstanding = invoices(&gateway)[0].outstanding();
    settle(&mut gateway, invoice.id, "rest", outstanding).unwrap();
    assert_eq!(tries(&mut gateway), Ok(()));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Buy,
    BuyInVain,
    Reverse(u8),
    Issue,
    Settle { invoice: u8, reference: u8, sen: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let settle =
        (0..4u8, 0..3u8, 1..2 * CHARGE).prop_map(|(invoice, reference, sen)| Step::Settle { invoice, reference, sen });
    let one = prop_oneof![
        3 => Just(Step::Buy),
        1 => Just(Step::BuyInVain),
        1 => (0..8u8).prop_map(Step::Reverse),
        2 => Just(Step::Issue),
        3 => settle,
    ];
    proptest::collection::vec(one, 1..30)
}

proptest! {
    #[test]
    fn what_is_owed_is_what_is_outstanding_and_what_is_not_billed_yet(history in steps()) {
        let mut gateway = selling(invoicing(10_000_000));
        for (number, step) in history.into_iter().enumerate() {
            let order_id = format!("08110{number:06}");
            match step {
                Step::Buy => buy(&mut gateway, &order_id, paid()),
                Step::BuyInVain => buy(&mut gateway, &order_id, Outcome::Refused(lifecycle::Reason::NothingDue)),
                Step::Reverse(which) => {
                    if let Some(bill) = all(&gateway).get(usize::from(which)) {
                        notice(&mut gateway, bill.id, 0, Outcome::BillReversed).unwrap();
                    }
                }
                Step::Issue => {
                    let _ = gateway.run(Command::IssueInvoice(issue_all(&gateway)));
                }
                Step::Settle { invoice, reference, sen } => {
                    if let Some(invoice) = invoices(&gateway).get(usize::from(invoice)) {
                        let amount = Amount::from_sen(sen).unwrap();
                        let _ = settle(&mut gateway, invoice.id, &format!("transfer-{reference}"), amount);
                    }
                }
            }
            check_books(&gateway);
            let outstanding: i64 = invoices(&gateway).iter().map(|invoice| invoice.outstanding().sen()).sum();
            let after = book(&gateway).map_or(0, |book| book.billed_through);
            let unbilled = billed_sen(&entries_between(&gateway, after, u64::MAX)).unwrap();
            prop_assert_eq!(receivable(&gateway).balance, outstanding + unbilled);
            let open = book(&gateway).map_or(0, |book| book.open.len());
            let owing = invoices(&gateway).iter().filter(|invoice| invoice.outstanding() != Amount::ZERO).count();
            prop_assert_eq!(open, owing);
        }
    }
}
