//! Check Balance: what is left of a deposit.

use lifecycle::{Answer, Command, request::ServiceCode};
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    biller_envelope::{self, Echo, reply_saying},
    biller_parts,
    document::Document,
    field::{Field, Kind},
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
};

const PAGE: &str = "Espay, Check Balance";
const OURS: &str = "Gerbang";

const FIELDS: &[Field] = &[
    biller_parts::rq_uuid_row(PAGE),
    biller_parts::rq_datetime_row(PAGE),
    biller_parts::sender_id_row(PAGE, 32),
    biller_parts::password_row(PAGE),
    biller_parts::signature_row(),
];

const REPLY_FIELDS: &[Field] = &[
    biller_parts::echo_row(PAGE),
    biller_parts::answered_at_row(OURS),
    biller_parts::error_code_row(PAGE),
    biller_parts::error_desc_row(PAGE),
    biller_parts::error_message_row(OURS),
    biller_parts::answered_at_too_row(PAGE),
    Field::mandatory(
        PAGE,
        "balance",
        Kind::Number,
        "What can be spent, in whole rupiah: what is reserved is taken off.",
    ),
    Field::mandatory(OURS, "reserved", Kind::Number, "What is reserved for bills under way, in whole rupiah."),
];

/// See the module.
pub struct BillerBalance;

impl Operation for BillerBalance {
    fn name(&self) -> &'static str {
        "biller_balance"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode::BILLER_BALANCE
    }
    fn title(&self) -> &'static str {
        "Check Balance"
    }
    fn promise(&self) -> &'static str {
        "Says what is left of your deposit, in rupiah and not in hundredths. For merchants with a deposit only."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/billertools/getbalance"]
    }
    fn trust(&self) -> Trust {
        Trust::Biller
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn signature_parts(&self) -> &'static [&'static str] {
        &["sender_id", "rq_uuid"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[&biller::SUCCESS, &biller::NO_DEPOSIT]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/biller_balance.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/biller_balance_reply.json")
    }

    fn read(&self, _: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        Ok(Reading::Command(Box::new(Command::ReadDeposit(context.request(self, None)))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let Answer::BillerBalance { available, held } = answer else {
            return biller_envelope::otherwise(self.service(), answer, Echo::of(context));
        };
        reply_saying(Echo::of(context), &biller::SUCCESS, biller::SUCCESS.message, |object| {
            object
                .text("rq_datetime", &context.now.jakarta_text())
                .raw("balance", &(available.sen() / 100).to_string())
                .raw("reserved", &(held.sen() / 100).to_string());
        })
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::Refusal;
    use money::Amount;

    use super::*;
    use crate::testing;

    #[test]
    fn the_balance_is_in_rupiah() {
        let answer =
            Answer::BillerBalance { available: Amount::from_sen(95_000_050).expect("an amount"), held: Amount::ZERO };
        let written = testing::reply(&BillerBalance, &answer);
        assert!(written.ends_with(r#""balance":950000,"reserved":0}"#), "{written}");
        let refused = testing::reply(&BillerBalance, &Answer::Refused(Refusal::NoDeposit));
        assert!(refused.contains(r#""error_code":"125""#), "{refused}");
    }

    #[test]
    fn asks_for_the_callers_own_deposit() {
        let Command::ReadDeposit(request) = testing::command(&BillerBalance, BillerBalance.sample()) else {
            panic!("another command")
        };
        assert_eq!((request.service, request.operation), (ServiceCode::BILLER_BALANCE, "biller_balance"));
    }
}
