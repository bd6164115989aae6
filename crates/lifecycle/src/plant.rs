//! Classic mistakes, planted on purpose so that the simulation can show that it finds them. They are in builds for tests
//! only: without the feature `plants` none of this is compiled, and [`planted!`](crate::planted) is `false`.

use std::cell::Cell;

macro_rules! plants {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Plant {
            $($(#[$doc])* $variant,)*
        }

        impl Plant {
            /// Every mistake.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

plants!(
    /// A charge that is unknown for a minute is called failed.
    FailByAge = "fail_by_age",
    /// Work is handed out without standing in the commit that wants it.
    EnqueueAfterCommit = "enqueue_after_commit",
    /// A charge that was interrupted is sent again under another reference.
    NewReferenceOnRetry = "new_reference_on_retry",
    /// A charge that was interrupted is sent again.
    RetryChargeAfterCrash = "retry_charge_after_crash",
    /// Rows are decided over that somebody else changed meanwhile.
    NoRowLock = "no_row_lock",
    /// An answer that nobody can read is read as a no.
    UnknownCodeReadAsFailed = "unknown_code_read_as_failed",
    /// A question that fails is read as the failure of what it asked about.
    AskErrorFailsPayment = "ask_error_fails_payment",
    /// "Not found" is believed at once.
    NotFoundBelievedAtOnce = "not_found_believed_at_once",
    /// A notification that was begun counts as delivered.
    EventRowReadAsDelivered = "event_row_read_as_delivered",
    /// A notice's amount is not compared.
    NoticeAmountNotChecked = "notice_amount_not_checked",
    /// A repeated call is carried out again.
    RepeatNotChecked = "repeat_not_checked",
    /// No answer to an order gives its money back.
    HoldReleasedOnTimeout = "hold_released_on_timeout",
    /// A success that is heard of twice is posted twice.
    DoublePostOnNotice = "double_post_on_notice",
    /// Work whose lease was lost is dropped.
    LeaseForgotten = "lease_forgotten",
    /// Callers are answered before the commit.
    AcknowledgeBeforeCommit = "acknowledge_before_commit",
    /// A notification is written anew for every delivery.
    NotificationRebuilt = "notification_rebuilt",
    /// A late refusal undoes a success.
    SuccessUndone = "success_undone",
    /// A payment that was told to have failed stays so, although its provider has charged.
    LateSuccessIgnored = "late_success_ignored",
);

thread_local! {
    static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
}

impl Plant {
    /// The mistake of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plant| plant.name() == name)
    }

    /// Plants a mistake for everything that this thread does from now on, or takes it away.
    pub fn put(plant: Option<Self>) {
        PLANTED.set(plant);
    }

    /// Whether it is planted here.
    pub fn is_planted(self) -> bool {
        PLANTED.get() == Some(self)
    }
}
