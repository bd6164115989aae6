//! Every text of the pages, twice. A text that one language lacks is a missing field and does not compile; so is a
//! reason without words.

use lifecycle::Reason;

macro_rules! catalogue {
    ($($name:ident: $indonesian:literal, $english:literal;)+) => {
        /// Every text of the pages in one language.
        #[derive(Debug)]
        pub struct Texts {
            $(pub $name: &'static str,)+
        }

        /// In Indonesian.
        pub static INDONESIAN: Texts = Texts { $($name: $indonesian,)+ };
        /// In English.
        pub static ENGLISH: Texts = Texts { $($name: $english,)+ };
    };
}

catalogue! {
    language_switch: "Ganti bahasa:", "Change language:";
    back_to: "Kembali ke", "Back to";
    reference: "Nomor referensi", "Reference";
    amount: "Jumlah", "Amount";
    paid_to: "Dibayarkan kepada", "Paid to";
    requested_by: "Diminta oleh", "Requested by";
    check_form: "Ada isian yang perlu diperbaiki.", "Some of what you entered needs correcting.";

    linkage_title: "Hubungkan dompet atau rekening", "Link a wallet or account";
    linkage_intro: "Pilih dompet atau rekening yang ingin Anda hubungkan. Anda akan melanjutkan di halaman penyedianya.",
        "Choose the wallet or account that you want to link. You will continue on its provider's page.";
    linkage_choice: "Dompet atau rekening", "Wallet or account";
    linkage_none: "Belum ada dompet yang dapat dihubungkan di toko ini.", "This shop has no wallet that can be linked yet.";
    continue_button: "Lanjutkan", "Continue";
    choose_one: "Pilih salah satu.", "Choose one.";

    checkout_title: "Pembayaran", "Payment";
    checkout_choice: "Bayar dengan", "Pay with";
    checkout_none: "Belum ada cara membayar di toko ini.", "This shop has no way to pay yet.";
    phone_label: "Nomor ponsel", "Mobile number";
    phone_hint: "Nomor yang terdaftar di dompet, contoh 081234567890.", "The number registered at the wallet, for example 081234567890.";
    phone_known: "Kosongkan untuk memakai nomor", "Leave empty to use number";
    phone_missing: "Isi nomor ponsel Anda.", "Enter your mobile number.";
    phone_wrong: "Nomor ponsel Indonesia terdiri dari 10 sampai 15 angka dan diawali 08 atau 62.",
        "An Indonesian mobile number has 10 to 15 digits and begins with 08 or 62.";
    pay_button: "Bayar", "Pay";
    cancel_button: "Batalkan pembayaran", "Cancel payment";

    pin_title: "Buat PIN dan kata sandi", "Choose a PIN and a password";
    pin_intro: "PIN dan kata sandi ini untuk akun baru Anda. Kami meneruskannya kepada penyedia akun dan tidak menyimpannya.",
        "This PIN and password are for your new account. We pass them to the account's provider and do not keep them.";
    account_phone: "Nomor akun", "Account number";
    pin_label: "PIN (6 angka)", "PIN (6 digits)";
    pin_hint: "Jangan memakai enam angka yang sama atau angka berurutan.", "Not six equal digits and not digits in a row.";
    pin_again_label: "Ulangi PIN", "PIN again";
    pin_not_digits: "PIN terdiri dari tepat 6 angka.", "A PIN has exactly 6 digits.";
    pin_all_equal: "PIN tidak boleh enam angka yang sama.", "A PIN may not be six equal digits.";
    pin_in_a_row: "PIN tidak boleh angka yang berurutan.", "A PIN may not be digits in a row.";
    pin_differs: "Kedua PIN tidak sama.", "The two PINs are not the same.";
    password_label: "Kata sandi", "Password";
    password_hint: "8 sampai 64 karakter, dengan huruf dan angka.", "8 to 64 characters, with letters and digits.";
    password_again_label: "Ulangi kata sandi", "Password again";
    password_length: "Kata sandi terdiri dari 8 sampai 64 karakter.", "A password has 8 to 64 characters.";
    password_simple: "Kata sandi harus mengandung huruf dan angka.", "A password needs letters and digits.";
    password_differs: "Kedua kata sandi tidak sama.", "The two passwords are not the same.";
    pin_button: "Buka akun", "Open account";
    pin_try_again: "Akun belum dibuka. Silakan coba lagi.", "The account was not opened. Please try again.";

    handover_title: "Melanjutkan", "Continuing";
    handover_text: "Anda sedang diarahkan ke halaman penyedia dompet. Jika tidak terjadi apa-apa, tekan tautan ini.",
        "You are being taken to the wallet's page. If nothing happens, follow this link.";
    handover_link: "Buka halaman dompet", "Open the wallet's page";

    paid_title: "Pembayaran berhasil", "Payment successful";
    paid_text: "Pembayaran Anda sudah diterima.", "Your payment was received.";
    payment_failed_title: "Pembayaran tidak berhasil", "Payment not successful";
    payment_failed_text: "Uang Anda tidak didebit.", "No money was taken.";
    payment_checking_title: "Pembayaran sedang diperiksa", "Payment being checked";
    payment_checking_text: "Jangan membayar lagi. Halaman ini memperbarui dirinya sampai hasilnya pasti; Anda juga boleh menutupnya, dan toko akan diberi tahu.",
        "Do not pay again. This page renews itself until the result is certain; you may also close it, and the shop will be told.";
    check_again: "Periksa sekarang", "Check now";
    back_to_wallet: "Kembali ke halaman dompet", "Back to the wallet's page";
    linked_title: "Berhasil terhubung", "Linked";
    linked_text: "Dompet atau rekening Anda sudah terhubung.", "Your wallet or account is linked.";
    linking_title: "Sedang menghubungkan", "Linking";
    linking_text: "Penyedia belum memastikan hasilnya. Halaman ini memperbarui dirinya; Anda juga boleh menutupnya.",
        "The provider has not confirmed the result yet. This page renews itself; you may also close it.";
    link_failed_title: "Tidak terhubung", "Not linked";
    link_failed_text: "Dompet atau rekening Anda tidak terhubung.", "Your wallet or account is not linked.";
    opened_title: "Akun sudah dibuka", "Account opened";
    opened_text: "Akun Anda sudah siap. Anda boleh menutup halaman ini.", "Your account is ready. You may close this page.";
    opening_title: "Akun sedang dibuka", "Account being opened";
    opening_text: "Penyedia belum memastikan hasilnya. Halaman ini memperbarui dirinya; Anda juga boleh menutupnya.",
        "The provider has not confirmed the result yet. This page renews itself; you may also close it.";
    open_failed_title: "Akun tidak dibuka", "Account not opened";
    open_failed_text: "Penyedia tidak membuka akun.", "The provider did not open an account.";

    not_found_title: "Halaman tidak ditemukan", "Page not found";
    not_found_text: "Periksa kembali alamatnya, atau mulai lagi dari toko.", "Check the address, or start again from the shop.";
    gone_title: "Halaman sudah tidak berlaku", "This page is no longer valid";
    gone_text: "Waktunya sudah habis, atau langkah ini sudah selesai. Mulai lagi dari toko.",
        "Its time is over, or this step is done. Start again from the shop.";
    bad_form_title: "Permintaan tidak dapat diproses", "The request cannot be carried out";
    bad_form_text: "Kembali ke halaman sebelumnya dan coba lagi.", "Go back to the page before and try again.";
    try_later_title: "Coba lagi sebentar lagi", "Try again in a moment";
    try_later_text: "Penyedia tidak menjawab. Tidak ada yang berubah.", "The provider does not answer. Nothing was changed.";
    fault_title: "Terjadi kesalahan", "Something went wrong";
    fault_text: "Kesalahan ada pada kami. Coba lagi sebentar lagi.", "The fault is ours. Try again in a moment.";
    try_again: "Coba lagi", "Try again";

    reason_funds: "Saldo tidak mencukupi.", "The balance is not sufficient.";
    reason_amount_limit: "Jumlah melebihi batas per transaksi.", "The amount is above the limit of one transaction.";
    reason_account_limit: "Batas harian atau bulanan akun terlampaui.", "The account's daily or monthly limit is reached.";
    reason_blocked: "Akun diblokir. Hubungi penyedianya.", "The account is blocked. Contact its provider.";
    reason_inactive: "Akun tidak aktif.", "The account is not active.";
    reason_account_unknown: "Nomor atau akun tidak dikenal oleh penyedia.", "The provider does not know this number or account.";
    reason_relink: "Hubungan dengan dompet sudah berakhir. Hubungkan lagi dari toko.", "The link to the wallet has ended. Link again from the shop.";
    reason_wrong_otp: "Kode atau PIN salah.", "The code or PIN was wrong.";
    reason_otp_expired: "Kode sudah kedaluwarsa.", "The code is too old.";
    reason_tries: "Terlalu banyak percobaan. Coba lagi nanti.", "Too many tries. Try again later.";
    reason_code: "Otorisasi tidak berlaku lagi. Mulai lagi dari toko.", "The authorisation is no longer valid. Start again from the shop.";
    reason_linked: "Akun ini sudah terhubung.", "This account is linked already.";
    reason_not_permitted: "Penyedia tidak mengizinkannya.", "The provider does not allow it.";
    reason_amount: "Jumlah tidak sesuai.", "The amount is not right.";
    reason_cancelled: "Dibatalkan.", "Cancelled.";
    reason_expired: "Waktunya sudah habis.", "The time is over.";
    reason_merchant: "Toko tidak mengonfirmasi pembayaran ini.", "The shop did not confirm this payment.";
    reason_unreachable: "Penyedia tidak dapat dihubungi.", "The provider could not be reached.";
}

impl Texts {
    /// Why a provider or the shop said no, for the customer. Nothing in it tells about other people or about us.
    pub fn reason(&self, reason: &Reason) -> &'static str {
        match reason {
            Reason::InsufficientFunds => self.reason_funds,
            Reason::AmountLimitExceeded => self.reason_amount_limit,
            Reason::AccountLimitExceeded => self.reason_account_limit,
            Reason::AccountBlocked => self.reason_blocked,
            Reason::AccountInactive => self.reason_inactive,
            Reason::AccountNotFound => self.reason_account_unknown,
            Reason::CustomerTokenInvalid => self.reason_relink,
            Reason::WrongOtp => self.reason_wrong_otp,
            Reason::OtpExpired => self.reason_otp_expired,
            Reason::TooManyTries => self.reason_tries,
            Reason::AuthCodeUsed | Reason::AuthCodeExpired | Reason::AuthCodeInvalid => self.reason_code,
            Reason::AlreadyLinked => self.reason_linked,
            Reason::SuspectedFraud | Reason::NotPermitted | Reason::DoNotHonor => self.reason_not_permitted,
            // Bills have no pages; these are the nearest words.
            Reason::CustomerUnknown => self.reason_account_unknown,
            Reason::BillPaidAlready | Reason::NothingDue | Reason::RepeatedAtSource => self.reason_not_permitted,
            Reason::CutOff | Reason::ProductUnavailable | Reason::FloatInsufficient => self.reason_unreachable,
            Reason::AmountInvalid => self.reason_amount,
            Reason::Cancelled => self.reason_cancelled,
            Reason::Expired => self.reason_expired,
            Reason::MerchantDeclined(_) => self.reason_merchant,
            Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) => self.reason_unreachable,
        }
    }
}
