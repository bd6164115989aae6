//! Bills from sent to settled: from source to source, asked about, doubted, late and taken back, and every contradiction
//! of a source.

use crate::{billing::*, support::Gateway};
use ledger::{AccountName, Class, JournalKind};
use lifecycle::{
    Answer, BillId, Command, Reason, Refusal, Secret,
    bill::{Asked, Bill, BillStatus, Fate, INQUIRY_WAITS_SECONDS},
    biller::BillerProduct,
    notification::Notice,
    provider::Outcome,
    task::{Task, TaskKind},
};

// From source to source.

#[test]
fn a_source_is_left_only_when_the_fault_is_its_own_and_it_is_known_that_it_did_not_take_the_order() {
    let check = |outcome: Outcome, expected: &str, source: usize| {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        let said = format!("{outcome:?}");
        end(&mut gateway, task, outcome);
        assert_eq!((state(&gateway), the_bill(&gateway).source), (expected, source), "{said}");
        check_books(&gateway);
    };
    for reason in [
        Reason::ProviderUnreachable,
        Reason::ProviderRejectedCall("41".into()),
        Reason::ProductUnavailable,
        Reason::FloatInsufficient,
        Reason::CutOff,
    ] {
        check(refused(reason), "sent", 1);
    }
    check(refused(Reason::CustomerUnknown), "failed", 0);
    check(unknown(), "unknown", 0);
    check(Outcome::NotFound, "unknown", 0);
    check(Outcome::Pending, "in_process", 0);
    check(refused(Reason::RepeatedAtSource), "unknown", 0);
}

#[test]
fn the_second_source_gets_a_reference_of_its_own_and_the_last_one_fails_the_bill() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    let first = the_bill(&gateway).reference();
    end(&mut gateway, task, refused(Reason::FloatInsufficient));
    let second = the_bill(&gateway);
    assert_ne!(second.reference(), first);
    assert!(!second.inquired, "the second source was not inquired");
    assert_eq!(Bill::id_of_reference(&second.reference()), Some((second.id, second.attempt)));
    assert_eq!(gateway.answers.len(), 1, "the inquiry's; the payment's caller still waits");
    let task = pay_task(&mut gateway);
    end(&mut gateway, task, refused(Reason::ProductUnavailable));
    assert_eq!(state(&gateway), "failed");
    assert_eq!(gateway.last_answer(), &Answer::Refused(Refusal::Provider(Reason::ProductUnavailable)));
    check_books(&gateway);
}

#[test]
fn a_caller_who_was_told_that_it_is_open_is_not_surprised_by_another_source() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, Outcome::Pending);
    let task = question(&mut gateway);
    end(&mut gateway, task, refused(Reason::ProductUnavailable));
    assert_eq!((state(&gateway), the_bill(&gateway).source), ("failed", 0));
    check_books(&gateway);
}

/// Sent to the second source after the first had refused the order.
fn passed_on(gateway: &mut Gateway) -> (BillId, Task) {
    let task = sent(gateway);
    end(gateway, task, refused(Reason::ProductUnavailable));
    (the_bill(gateway).id, pay_task(gateway))
}

#[test]
fn what_two_sources_deliver_is_paid_once_and_the_rest_waits_in_clearing() {
    for first_before in [true, false] {
        let mut gateway = with_deposit(200_000);
        let (bill, task) = passed_on(&mut gateway);
        let cost = |rupiah_| with(move |receipt| receipt.cost = Some(rupiah(rupiah_)));
        if first_before {
            notice(&mut gateway, bill, 0, cost(48_000)).unwrap();
            assert_eq!((state(&gateway), gateway.answers.len()), ("sent", 1), "the second source is still asked");
        }
        end(&mut gateway, task, cost(47_000));
        for _ in 0..3 {
            notice(&mut gateway, bill, 0, cost(48_000)).unwrap();
            notice(&mut gateway, bill, 1, cost(47_000)).unwrap();
        }
        check_books(&gateway);
        assert_eq!(available(&gateway), 20_000_000 - CHARGE);
        assert_eq!((float(&gateway, "first"), float(&gateway, "second")), (-4_800_000, -4_700_000));
        assert_eq!(
            the_bill(&gateway).orders.iter().map(|o| o.fate.name()).collect::<Vec<_>>(),
            ["paid_beside", "paid"]
        );
        notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
        check_books(&gateway);
        assert_eq!((state(&gateway), float(&gateway, "first")), ("succeeded", 0));
    }
}

#[test]
fn a_source_that_delivered_after_all_is_believed_when_the_next_one_did_not() {
    for outcome in [refused(Reason::CustomerUnknown), refused(Reason::ProductUnavailable), Outcome::BillReversed] {
        let mut gateway = with_deposit(200_000);
        let three =
            BillerProduct { sources: [token_product().sources, token_product().sources].concat(), ..token_product() };
        inquired(&mut gateway, three.clone(), 50_000);
        pay(&mut gateway, three, rupiah(52_500)).unwrap();
        let task = pay_task(&mut gateway);
        end(&mut gateway, task, refused(Reason::ProductUnavailable));
        let (bill, task) = (the_bill(&gateway).id, pay_task(&mut gateway));
        notice(&mut gateway, bill, 0, paid()).unwrap();
        end(&mut gateway, task, outcome);
        check_books(&gateway);
        assert_eq!(state(&gateway), "succeeded", "no third source is asked, and the customer has its token");
        assert_eq!((float(&gateway, "first"), float(&gateway, "second")), (-4_950_000, 0));
        assert!(matches!(gateway.last_answer(), Answer::BillPayment(_)));
        notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
        check_books(&gateway);
        assert_eq!((state(&gateway), float(&gateway, "first"), available(&gateway)), ("reversed", 0, 20_000_000));
    }
}

#[test]
fn a_source_speaks_for_its_own_orders_only() {
    let mut gateway = with_deposit(200_000);
    let (bill, _) = passed_on(&mut gateway);
    let own = the_bill(&gateway).task_about(0, &gateway.merchant).unwrap();
    let check = |gateway: &mut Gateway, change: &dyn Fn(&mut lifecycle::bill::BillTask)| {
        let mut task = Box::new(own.clone());
        change(&mut task);
        let entries = gateway.entries.len();
        let noticed = Command::BillNoticed { task, outcome: paid() };
        assert_eq!(gateway.run(noticed), Err(Refusal::BillNotFound));
        assert_eq!(gateway.entries.len(), entries);
    };
    check(&mut gateway, &|task| task.connector = "second".into());
    check(&mut gateway, &|task| task.attempt = 2);
    check(&mut gateway, &|task| task.payer = AccountName::of(Class::MerchantDeposit, "OTHER"));
    check(&mut gateway, &|task| task.bill = BillId::from_bits(99));
    assert_eq!(notice(&mut gateway, bill, 7, paid()), Err(Refusal::BillNotFound));
}

#[test]
fn an_earlier_sources_other_words_do_not_touch_the_order_under_way() {
    let mut gateway = with_deposit(200_000);
    let (bill, task) = passed_on(&mut gateway);
    let before = the_bill(&gateway);
    for outcome in [unknown(), Outcome::Pending, Outcome::NotFound, refused(Reason::CustomerUnknown)] {
        notice(&mut gateway, bill, 0, outcome).unwrap();
        assert_eq!(the_bill(&gateway), before);
    }
    end(&mut gateway, task, paid());
    assert_eq!(state(&gateway), "succeeded");
    check_books(&gateway);
}

// Questions.

#[test]
fn questions_come_ever_more_rarely_and_never_stop() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, unknown());
    let waits = INQUIRY_WAITS_SECONDS.into_iter().chain([1800, 1800, 1800]);
    for (number, wait) in waits.enumerate() {
        let task = question(&mut gateway);
        assert_eq!(task.due_at.seconds_since(gateway.now), wait);
        gateway.now = task.due_at;
        end(&mut gateway, task, if number % 2 == 0 { Outcome::Pending } else { unknown() });
        check_books(&gateway);
    }
}

#[test]
fn notices_do_not_slow_the_questions_down() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, unknown());
    let bill = the_bill(&gateway).id;
    for _ in 0..20 {
        notice(&mut gateway, bill, 0, Outcome::Pending).unwrap();
    }
    let task = question(&mut gateway);
    gateway.now = task.due_at;
    end(&mut gateway, task, Outcome::Pending);
    assert_eq!(question(&mut gateway).due_at.seconds_since(gateway.now), 5);
}

#[test]
fn an_end_that_is_reported_twice_schedules_one_question() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    // Its lease ran out, and then its answer came after all.
    end(&mut gateway, Task { attempts: 2, ..task.clone() }, unknown());
    end(&mut gateway, task.clone(), unknown());
    check_books(&gateway);
    let asked = question(&mut gateway);
    end(&mut gateway, asked.clone(), unknown());
    end(&mut gateway, asked, Outcome::Pending);
    check_books(&gateway);
    end(&mut gateway, task, paid());
    assert_eq!(state(&gateway), "succeeded");
    assert_eq!(gateway.tasks, [], "what is decided is asked about no more");
    check_books(&gateway);
}

#[test]
fn a_notice_that_comes_before_the_answer_leaves_the_question_to_the_answer() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, Outcome::Pending).unwrap();
    assert_eq!((state(&gateway), gateway.answers.len()), ("in_process", 2));
    check_books(&gateway);
    end(&mut gateway, task, unknown());
    assert_eq!(gateway.answers.len(), 2, "answered once");
    question(&mut gateway);
    check_books(&gateway);
}

#[test]
fn a_refused_question_proves_nothing_about_the_order() {
    for reason in [
        Reason::ProviderUnreachable,
        Reason::ProviderRejectedCall("41".into()),
        Reason::FloatInsufficient,
        Reason::RepeatedAtSource,
    ] {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        end(&mut gateway, task, unknown());
        let task = question(&mut gateway);
        end(&mut gateway, task, refused(reason));
        assert_eq!(state(&gateway), "unknown");
        check_books(&gateway);
    }
}

/// Asking may be sending the order again: the source would then have it twice at once, and the refusal of one of the
/// two would not speak for the other.
#[test]
fn nobody_is_asked_about_an_order_while_it_is_being_sent() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    let bill = the_bill(&gateway);
    let about = bill.task_about(0, &gateway.merchant).unwrap();
    assert_eq!((bill.status.name(), bill.asked_since(&about)), ("sent", None));
    end(&mut gateway, task, unknown());
    assert_eq!(the_bill(&gateway).asked_since(&about), Some(gateway.now));
}

#[test]
fn a_refusal_that_comes_after_its_order_was_taken_for_lost_is_asked_about() {
    for reason in [
        Reason::ProviderUnreachable,
        Reason::ProviderRejectedCall("41".into()),
        Reason::FloatInsufficient,
        Reason::ProductUnavailable,
    ] {
        for asked in [unknown(), Outcome::Pending] {
            let mut gateway = with_deposit(200_000);
            let task = sent(&mut gateway);
            // Another gateway took the task over, and its question may have placed the order.
            end(&mut gateway, Task { attempts: 2, ..task.clone() }, unknown());
            let first = question(&mut gateway);
            end(&mut gateway, first, asked);
            end(&mut gateway, task, refused(reason.clone()));
            assert_eq!((state(&gateway), available(&gateway)), ("unknown", 20_000_000 - RESERVED), "{reason:?}");
            check_books(&gateway);
            let next = question(&mut gateway);
            end(&mut gateway, next, paid());
            assert_eq!((state(&gateway), available(&gateway)), ("succeeded", 20_000_000 - CHARGE));
            check_books(&gateway);
        }
    }
}

#[test]
fn not_found_is_final_after_the_window_unless_the_source_had_the_order_once() {
    let check = |known: Outcome, seconds: i64, expected: &str| {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        let said = format!("{known:?} and not found after {seconds}");
        end(&mut gateway, task, known);
        gateway.now = gateway.now.plus_seconds(seconds);
        let task = question(&mut gateway);
        end(&mut gateway, task, Outcome::NotFound);
        assert_eq!(state(&gateway), expected, "{said}");
        check_books(&gateway);
    };
    check(unknown(), 59, "unknown");
    check(unknown(), 60, "failed");
    check(refused(Reason::RepeatedAtSource), 60, "failed");
    check(Outcome::Pending, 60, "unknown");
    check(Outcome::Pending, 400 * 24 * 3600, "unknown");
    check(without_token(), 60, "unknown");
    check(of_another_amount(), 60, "unknown");
}

// Doubtful, late and taken back.

#[test]
fn a_token_that_comes_later_is_the_success() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, without_token());
    for _ in 0..3 {
        let task = question(&mut gateway);
        end(&mut gateway, task, without_token());
        assert_eq!(state(&gateway), "in_process");
    }
    let task = question(&mut gateway);
    end(&mut gateway, task, paid());
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, with(|receipt| receipt.token = Some(Secret::new("another")))).unwrap();
    for _ in 0..2 {
        let told = ask_status(&mut gateway, Asked::Bill(bill)).unwrap();
        let BillStatus::Succeeded { receipt, .. } = told.status else { panic!("succeeded") };
        assert_eq!(receipt.token.unwrap().expose(), "12345678901234567890", "always the same one");
    }
    check_books(&gateway);
}

#[test]
fn another_amount_is_not_made_right_by_a_word_that_names_none() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, of_another_amount());
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, with(|receipt| receipt.bill_amount = None)).unwrap();
    let BillStatus::Unknown { evidence, .. } = the_bill(&gateway).status else { panic!("unknown") };
    assert_eq!(evidence, "the source names another amount, 20000.00");
    notice(&mut gateway, bill, 0, paid()).unwrap();
    assert_eq!(state(&gateway), "succeeded", "it named the right amount at last");
    check_books(&gateway);
}

fn failed(gateway: &mut Gateway) -> BillId {
    let task = sent(gateway);
    end(gateway, task, refused(Reason::DoNotHonor));
    assert_eq!(available(gateway), account(gateway, &payer(gateway)).balance, "the reservation is given back");
    the_bill(gateway).id
}

#[test]
fn a_success_after_a_failure_is_charged_where_that_is_affordable() {
    let mut gateway = with_deposit(200_000);
    let bill = failed(&mut gateway);
    for _ in 0..3 {
        notice(&mut gateway, bill, 0, paid()).unwrap();
        check_books(&gateway);
    }
    let BillStatus::SucceededLate { charged, failed_because, .. } = the_bill(&gateway).status else { panic!("late") };
    assert_eq!((charged, failed_because), (payer(&gateway), Reason::DoNotHonor));
    assert_eq!(available(&gateway), 20_000_000 - CHARGE);
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Err(Refusal::SameTransaction));
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    notice(&mut gateway, bill, 0, paid()).unwrap();
    assert_eq!((state(&gateway), available(&gateway)), ("reversed", 20_000_000));
    check_books(&gateway);
}

#[test]
fn a_success_after_a_failure_waits_in_clearing_where_it_is_not_affordable() {
    let change_mechanism: &dyn Fn(&mut Gateway) = &|gateway| {
        gateway.merchant.biller.as_mut().unwrap().mechanism = invoicing(1_000_000);
    };
    let spend: &dyn Fn(&mut Gateway) = &|gateway| {
        let other = payment(gateway, credit_product(), "081218816222", rupiah(52_500));
        gateway.run(Command::PayBill(other)).unwrap();
    };
    let forget: &dyn Fn(&mut Gateway) = &|gateway| gateway.merchant.biller = None;
    for prepare in [spend, change_mechanism] {
        let mut gateway = with_deposit(60_000);
        let bill = failed(&mut gateway);
        prepare(&mut gateway);
        let before = account(&gateway, &AccountName::of(Class::MerchantDeposit, "TOKO"));
        notice(&mut gateway, bill, 0, paid()).unwrap();
        check_books(&gateway);
        let clearing = AccountName::of(Class::Clearing, "TOKO");
        let late = all(&gateway).into_iter().find(|known| known.id == bill).unwrap();
        let BillStatus::SucceededLate { charged, .. } = late.status else { panic!("late") };
        assert_eq!(charged, clearing);
        assert_eq!(account(&gateway, &AccountName::of(Class::MerchantDeposit, "TOKO")), before, "nothing is taken");
        assert_eq!(float(&gateway, "first"), -4_950_000);
        notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
        check_books(&gateway);
        assert_eq!((account(&gateway, &clearing).balance, float(&gateway, "first")), (6_000_000, 0), "the top-up's");
    }
    let mut gateway = with_deposit(60_000);
    let bill = failed(&mut gateway);
    forget(&mut gateway);
    notice(&mut gateway, bill, 0, paid()).unwrap();
    assert_eq!(state(&gateway), "succeeded_late");
    assert_eq!(account(&gateway, &AccountName::of(Class::MerchantDeposit, "TOKO")).balance, 6_000_000);
}

#[test]
fn a_late_success_over_another_amount_is_for_people_and_charges_nobody() {
    let mut gateway = with_deposit(200_000);
    let bill = failed(&mut gateway);
    notice(&mut gateway, bill, 0, of_another_amount()).unwrap();
    notice(&mut gateway, bill, 0, paid()).unwrap();
    check_books(&gateway);
    assert_eq!((state(&gateway), available(&gateway), float(&gateway, "first")), ("failed", 20_000_000, -4_950_000));
}

#[test]
fn a_late_success_whose_token_is_owed_is_asked_about_until_it_comes() {
    let mut gateway = with_deposit(200_000);
    let bill = failed(&mut gateway);
    notice(&mut gateway, bill, 0, without_token()).unwrap();
    for outcome in [unknown(), Outcome::NotFound, without_token(), Outcome::Pending] {
        let task = question(&mut gateway);
        gateway.now = task.due_at;
        end(&mut gateway, task, outcome);
        assert_eq!((state(&gateway), available(&gateway)), ("succeeded_late", 20_000_000 - CHARGE));
        check_books(&gateway);
    }
    let task = question(&mut gateway);
    end(&mut gateway, task, paid());
    let BillStatus::SucceededLate { receipt, .. } = the_bill(&gateway).status else { panic!("late") };
    assert_eq!(receipt.token.unwrap().expose(), "12345678901234567890");
    assert!(gateway.tasks.is_empty());
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    assert_eq!(available(&gateway), 20_000_000);
    check_books(&gateway);
}

#[test]
fn a_success_that_is_taken_back_gives_every_part_back_once() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, paid());
    let bill = the_bill(&gateway).id;
    for outcome in [Outcome::BillReversed, paid(), Outcome::BillReversed, refused(Reason::DoNotHonor), Outcome::Pending]
    {
        notice(&mut gateway, bill, 0, outcome).unwrap();
        check_books(&gateway);
        assert_eq!((state(&gateway), available(&gateway)), ("reversed", 20_000_000));
        assert_eq!((float(&gateway, "first"), of_class(&gateway, Class::FeeRevenue).balance), (0, 0));
    }
}

#[test]
fn what_was_taken_back_is_given_back_to_the_account_that_paid() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, paid());
    let bill = the_bill(&gateway).id;
    gateway.merchant.biller.as_mut().unwrap().mechanism = invoicing(1_000_000);
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    assert_eq!(account(&gateway, &AccountName::of(Class::MerchantDeposit, "TOKO")).balance, 20_000_000);
    assert_eq!(of_class(&gateway, Class::MerchantReceivable).balance, 0);
}

#[test]
fn a_success_that_is_heard_of_after_it_was_taken_back_charges_nobody() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    end(&mut gateway, task, paid());
    notice(&mut gateway, bill, 0, paid()).unwrap();
    assert_eq!((state(&gateway), available(&gateway), float(&gateway, "first")), ("failed", 20_000_000, 0));
    check_books(&gateway);
}

#[test]
fn contradictions_after_a_success_change_nothing() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task.clone(), paid());
    let after = the_bill(&gateway);
    for outcome in [refused(Reason::DoNotHonor), unknown(), Outcome::NotFound, of_another_amount(), without_token()] {
        notice(&mut gateway, after.id, 0, outcome.clone()).unwrap();
        end(&mut gateway, task.clone(), outcome);
        assert_eq!(the_bill(&gateway), after);
    }
    check_books(&gateway);
}

#[test]
fn a_payment_that_a_restored_store_has_forgotten_is_believed_and_not_made_again() {
    let mut gateway = with_deposit(200_000);
    inquired(&mut gateway, token_product(), 50_000);
    let bill = the_bill(&gateway).id;
    for outcome in [unknown(), Outcome::Pending, refused(Reason::DoNotHonor), Outcome::BillReversed] {
        notice(&mut gateway, bill, 0, outcome).unwrap();
        assert_eq!(state(&gateway), "inquired", "only a success is news of a payment");
    }
    notice(&mut gateway, bill, 0, paid()).unwrap();
    notice(&mut gateway, bill, 0, paid()).unwrap();
    check_books(&gateway);
    assert_eq!((state(&gateway), available(&gateway)), ("succeeded_late", 20_000_000 - CHARGE));
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Err(Refusal::SameTransaction));
    gateway.now = gateway.now.plus_seconds(300);
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Err(Refusal::BillNotInquired));
}

#[test]
fn a_forgotten_payment_over_another_amount_spends_the_inquiry_and_charges_nobody() {
    let mut gateway = with_deposit(200_000);
    inquired(&mut gateway, token_product(), 50_000);
    let bill = the_bill(&gateway).id;
    notice(&mut gateway, bill, 0, of_another_amount()).unwrap();
    check_books(&gateway);
    assert_eq!((state(&gateway), available(&gateway), float(&gateway, "first")), ("failed", 20_000_000, -4_950_000));
    assert_eq!(pay(&mut gateway, token_product(), rupiah(52_500)), Err(Refusal::BillNotInquired));
}

#[test]
fn tasks_that_belong_to_nothing_end_and_change_nothing() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    let before = the_bill(&gateway);
    let TaskKind::PayBill(about) = task.kind.clone() else { panic!("a payment") };
    let stray = |change: &dyn Fn(&mut lifecycle::bill::BillTask)| {
        let mut about = about.clone();
        change(&mut about);
        Task { id: lifecycle::TaskId::from_bits(77), kind: TaskKind::PayBill(about), ..task.clone() }
    };
    for task in [stray(&|about| about.bill = BillId::from_bits(3)), stray(&|about| about.attempt = 9)] {
        end(&mut gateway, task, paid());
        assert_eq!(the_bill(&gateway), before);
    }
    let late: Task = stray(&|_| ());
    end(&mut gateway, late, refused(Reason::DoNotHonor));
    assert_eq!(state(&gateway), "failed", "what it says counts; what it schedules would not");
    check_books(&gateway);
}

#[test]
fn a_ledger_journal_names_what_happened() {
    let mut gateway = with_deposit(200_000);
    let bill = failed(&mut gateway);
    notice(&mut gateway, bill, 0, paid()).unwrap();
    notice(&mut gateway, bill, 0, Outcome::BillReversed).unwrap();
    let mut kinds: Vec<_> = gateway.entries.iter().map(|entry| entry.kind).collect();
    kinds.dedup();
    use JournalKind::*;
    assert_eq!(kinds, [TopUp, Reservation, Void, BillPaidLate, Reversal]);
    let fates: Vec<_> = the_bill(&gateway).orders.into_iter().map(|order| order.fate).collect();
    assert_eq!(fates, [Fate::Reversed]);
}

// What the merchant is told of by itself.

/// What became of bills, as merchants were told.
fn told(gateway: &Gateway) -> Vec<&'static str> {
    let bills = gateway.notices.iter().filter_map(|notice| match notice {
        Notice::Bill(bill) => Some(bill.status.name()),
        _ => None,
    });
    bills.collect()
}

#[test]
fn what_the_answer_said_already_is_not_told_again() {
    for (outcome, ended) in [(paid(), "succeeded"), (refused(Reason::CustomerUnknown), "failed")] {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        end(&mut gateway, task, outcome);
        assert_eq!((state(&gateway), told(&gateway)), (ended, vec![]));
    }
}

#[test]
fn what_was_not_known_is_told_once_when_it_is_whoever_says_so() {
    for (outcome, state) in [(paid(), "succeeded"), (refused(Reason::CustomerUnknown), "failed")] {
        let mut gateway = with_deposit(200_000);
        let task = sent(&mut gateway);
        end(&mut gateway, task, unknown());
        assert!(told(&gateway).is_empty());
        let bill = the_bill(&gateway).id;
        for _ in 0..3 {
            notice(&mut gateway, bill, 0, outcome.clone()).unwrap();
        }
        assert_eq!(told(&gateway), [state]);
    }
}

#[test]
fn an_answer_that_came_after_its_caller_had_gone_is_told() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    gateway.now = gateway.now.plus_seconds(lifecycle::case::FIRST_CALL_SECONDS);
    end(&mut gateway, task, paid());
    assert_eq!(told(&gateway), ["succeeded"]);
}

#[test]
fn a_success_after_a_failure_and_its_reversal_are_told() {
    let mut gateway = with_deposit(200_000);
    let task = sent(&mut gateway);
    end(&mut gateway, task, refused(Reason::CustomerUnknown));
    let bill = the_bill(&gateway).id;
    for outcome in [with(|receipt| receipt.token = None), paid(), Outcome::BillReversed] {
        notice(&mut gateway, bill, 0, outcome).unwrap();
    }
    assert_eq!(told(&gateway), ["succeeded_late", "succeeded_late", "reversed"], "the token came by itself");
}
