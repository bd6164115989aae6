//! The pages of the imitated wallets: number, one-time code, PIN, result. Server-rendered, without any script; a post is
//! answered with a redirect to the page itself, so that reloading never sends anything twice, and the way back to the
//! gateway is a link on the result page, so that no form leads to another origin.

use askama::Template;
use calendar::Instant;

use super::{
    Reaction, SANDBOX_OTP, SANDBOX_PIN, Surroundings, magic,
    state::{ChargeStatus, EntryError, LinkStatus, PageFault, Purpose, Session, Step},
    wallet::{LinkEvent, Returning, Wallet},
};
use crate::{HttpRequest, HttpResponse};

const STYLE: &str = include_str!("../../templates/wallet.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The texts of the pages in one language.
struct Words {
    lang: &'static str,
    other_lang: &'static str,
    other_lang_name: &'static str,
    authorise_title: &'static str,
    pay_title: &'static str,
    amount: &'static str,
    merchant: &'static str,
    phone: &'static str,
    phone_hint: &'static str,
    otp: &'static str,
    otp_hint: &'static str,
    pin: &'static str,
    pin_hint: &'static str,
    proceed: &'static str,
    cancel: &'static str,
    resend: &'static str,
    resend_in: &'static str,
    seconds: &'static str,
    back: &'static str,
    linked: &'static str,
    paid: &'static str,
    sandbox: &'static str,
    gone: &'static str,
}

const INDONESIAN: Words = Words {
    lang: "id",
    other_lang: "en",
    other_lang_name: "English",
    authorise_title: "Hubungkan akun",
    pay_title: "Konfirmasi pembayaran",
    amount: "Jumlah",
    merchant: "Keterangan",
    phone: "Nomor ponsel",
    phone_hint: "Diawali 62 atau 08",
    otp: "Kode verifikasi",
    otp_hint: "6 angka, dikirim ke",
    pin: "PIN",
    pin_hint: "6 angka",
    proceed: "Lanjut",
    cancel: "Batal",
    resend: "Kirim ulang kode",
    resend_in: "Kode baru dapat diminta dalam",
    seconds: "detik",
    back: "Kembali ke toko",
    linked: "Akun Anda berhasil diverifikasi.",
    paid: "Pembayaran berhasil.",
    sandbox: "Halaman tiruan untuk uji coba. Kode",
    gone: "Halaman ini tidak ada atau sudah tidak berlaku.",
};

const ENGLISH: Words = Words {
    lang: "en",
    other_lang: "id",
    other_lang_name: "Bahasa Indonesia",
    authorise_title: "Link your account",
    pay_title: "Confirm the payment",
    amount: "Amount",
    merchant: "Description",
    phone: "Mobile number",
    phone_hint: "Begins with 62 or 08",
    otp: "Verification code",
    otp_hint: "6 digits, sent to",
    pin: "PIN",
    pin_hint: "6 digits",
    proceed: "Continue",
    cancel: "Cancel",
    resend: "Send the code again",
    resend_in: "Another code can be sent in",
    seconds: "seconds",
    back: "Back to the shop",
    linked: "Your account is verified.",
    paid: "The payment is complete.",
    sandbox: "An imitated page for tests. Code",
    gone: "This page does not exist or is no longer valid.",
};

impl Words {
    fn of(lang: &str) -> &'static Self {
        if lang == "en" { &ENGLISH } else { &INDONESIAN }
    }

    fn entry_error(&self, error: EntryError) -> &'static str {
        let (indonesian, english) = match error {
            EntryError::PhoneMalformed => ("Nomor ponsel tidak benar.", "This is not a mobile number."),
            EntryError::PhoneUnknown => ("Nomor ponsel tidak terdaftar.", "This number is not registered."),
            EntryError::OtpWrong => ("Kode salah.", "The code is wrong."),
            EntryError::OtpExpired => {
                ("Kode sudah tidak berlaku. Minta kode baru.", "The code has expired. Ask for another one.")
            }
            EntryError::ResendTooSoon => ("Kode baru belum dapat diminta.", "Another code cannot be sent yet."),
            EntryError::PinWrong => ("PIN salah.", "The PIN is wrong."),
        };
        if self.lang == "en" { english } else { indonesian }
    }

    fn page_fault(&self, fault: PageFault) -> &'static str {
        let (indonesian, english) = match fault {
            PageFault::Cancelled => ("Anda membatalkan.", "You cancelled."),
            PageFault::Expired => ("Waktu Anda habis.", "Your time is over."),
            PageFault::AccountNotFound => ("Nomor ponsel tidak terdaftar.", "This number is not registered."),
            PageFault::AccountBlocked => ("Akun diblokir.", "The account is blocked."),
            PageFault::TooManyTries => ("Terlalu banyak percobaan.", "Too many tries."),
            PageFault::InsufficientFunds => ("Saldo tidak cukup.", "The balance is not sufficient."),
        };
        if self.lang == "en" { english } else { indonesian }
    }
}

#[derive(Template)]
#[template(path = "wallet_entry.html")]
struct EntryView<'a> {
    words: &'static Words,
    brand: &'static str,
    title: &'static str,
    id: &'a str,
    step: &'static str,
    phone: &'a str,
    error: Option<&'static str>,
    amount: Option<String>,
    description: &'a str,
    resend_seconds: i64,
    hint: String,
}

#[derive(Template)]
#[template(path = "wallet_result.html")]
struct ResultView<'a> {
    words: &'static Words,
    brand: &'static str,
    title: &'static str,
    id: &'a str,
    good: bool,
    text: &'static str,
    has_return: bool,
}

/// A page with the headers that every page carries.
fn html(status: u16, template: &impl Template) -> HttpResponse {
    let mut response = HttpResponse::html(status, template.render().expect("a template of texts always renders"));
    for (name, value) in [
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ] {
        response.headers.push((name.into(), value.into()));
    }
    response
}

impl Wallet {
    /// Answers a request for a page or its style; none when it is for something else.
    pub fn page(&mut self, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Option<Reaction> {
        let path = request.path();
        if path == "/assets/wallet.css" {
            let style = format!(":root{{--brand:{}}}\n{STYLE}", self.brand.colour);
            let headers = vec![("Content-Type".into(), "text/css; charset=utf-8".into())];
            return Some(HttpResponse { status: 200, headers, body: style.into_bytes() }.into());
        }
        let rest = path.strip_prefix("/pages/")?;
        let (id, action) = rest.split_once('/').unwrap_or((rest, ""));
        let id = id.to_owned();
        let Some(mut session) = self.state.sessions.remove(&id) else {
            return Some(self.gone().into());
        };
        let mut notices = vec![];
        if session.over.is_none()
            && let Some(fault) = self.fault_of(&session, surroundings.now())
        {
            notices = self.conclude(&mut session, Err(fault), surroundings);
        }
        let response = match (request.method, action) {
            ("GET", "") => {
                if let Some((_, lang)) = request.query().into_iter().find(|(key, _)| key == "lang") {
                    session.lang = Words::of(&lang).lang.into();
                }
                self.render(&id, &session, surroundings.now())
            }
            ("POST", "") => {
                notices.extend(self.entered(&mut session, &request.form(), surroundings));
                HttpResponse::see_other(format!("/pages/{id}"))
            }
            ("GET", "return") => match self.return_url(&session) {
                Some(url) => HttpResponse::see_other(url),
                None => HttpResponse::see_other(format!("/pages/{id}")),
            },
            _ => self.gone(),
        };
        self.state.sessions.insert(id, session);
        Some(Reaction { notices, ..response.into() })
    }

    /// The page for an address that means nothing.
    pub fn gone(&self) -> HttpResponse {
        let words = &INDONESIAN;
        html(
            404,
            &ResultView {
                words,
                brand: self.brand.title,
                title: words.gone,
                id: "",
                good: false,
                text: words.gone,
                has_return: false,
            },
        )
    }

    fn render(&self, id: &str, session: &Session, now: Instant) -> HttpResponse {
        let words = Words::of(&session.lang);
        let pays = matches!(session.purpose, Purpose::Pay { .. });
        let title = if pays { words.pay_title } else { words.authorise_title };
        let brand = self.brand.title;
        let step = match (&session.over, session.steps.first()) {
            (Some(result), _) => {
                let text = match result {
                    Ok(_) if pays => words.paid,
                    Ok(_) => words.linked,
                    Err(fault) => words.page_fault(*fault),
                };
                let view = ResultView {
                    words,
                    brand,
                    title,
                    id,
                    good: result.is_ok(),
                    text,
                    has_return: !session.return_url.is_empty(),
                };
                return html(200, &view);
            }
            (None, Some(Step::Phone)) => "phone",
            (None, Some(Step::Otp)) => "otp",
            (None, Some(Step::Pin) | None) => "pin",
        };
        let charge = match &session.purpose {
            Purpose::Pay { reference } => self.state.charges.get(reference),
            Purpose::Authorise { .. } | Purpose::Link { .. } => None,
        };
        let view = EntryView {
            words,
            brand,
            title,
            id,
            step,
            phone: session.phone.as_deref().unwrap_or_default(),
            error: session.error.map(|error| words.entry_error(error)),
            amount: charge.map(|charge| charge.amount.display_text()),
            description: charge.map_or("", |charge| &charge.description),
            resend_seconds: (magic::RESEND_SECONDS - now.seconds_since(session.otp_sent_at)).max(0),
            hint: format!("{} {SANDBOX_OTP}, PIN {SANDBOX_PIN}.", words.sandbox),
        };
        html(200, &view)
    }

    /// Where the browser goes from a page that is over.
    fn return_url(&self, session: &Session) -> Option<String> {
        let result = session.over.as_ref()?;
        if session.return_url.is_empty() {
            return None;
        }
        let result = match result {
            Ok(code) => Ok(code.as_deref()),
            Err(fault) => Err(*fault),
        };
        let pairs = (self.brand.return_query)(&Returning { purpose: &session.purpose, result });
        if pairs.is_empty() {
            return Some(session.return_url.clone());
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let joint = if session.return_url.contains('?') { '&' } else { '?' };
        Some(format!("{}{joint}{query}", session.return_url))
    }

    fn entered(
        &mut self,
        session: &mut Session,
        form: &[(String, String)],
        surroundings: &mut dyn Surroundings,
    ) -> Vec<HttpRequest> {
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
        if session.over.is_some() {
            return vec![];
        }
        session.error = None;
        let now = surroundings.now();
        let fault = match (value("action"), session.steps.first()) {
            ("cancel", _) => Some(PageFault::Cancelled),
            ("resend", Some(Step::Otp)) => {
                if now.seconds_since(session.otp_sent_at) < magic::RESEND_SECONDS {
                    session.error = Some(EntryError::ResendTooSoon);
                } else {
                    session.otp_sent_at = now;
                }
                return vec![];
            }
            (_, Some(Step::Phone)) => self.phone_entered(session, value("phone"), now),
            (_, Some(Step::Otp)) => otp_entered(session, value("otp"), now),
            (_, Some(Step::Pin)) => pin_entered(session, value("pin")),
            (_, None) => None,
        };
        match fault {
            Some(fault) => self.conclude(session, Err(fault), surroundings),
            None if session.steps.is_empty() => self.conclude(session, Ok(()), surroundings),
            None => vec![],
        }
    }

    fn phone_entered(&mut self, session: &mut Session, text: &str, now: Instant) -> Option<PageFault> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '+')).collect();
        let number = match digits.strip_prefix('0') {
            Some(rest) => format!("62{rest}"),
            None => digits,
        };
        if !magic::is_number(&number) {
            session.error = Some(EntryError::PhoneMalformed);
            return None;
        }
        match self.account(&number) {
            Err(PageFault::AccountNotFound) => {
                return wrong(session, EntryError::PhoneUnknown).map(|_| PageFault::AccountNotFound);
            }
            Err(fault) => return Some(fault),
            Ok(_) => {
                session.phone = Some(number);
                session.otp_sent_at = now;
                session.tries = 0;
                session.steps.remove(0);
            }
        }
        None
    }

    /// Why a page cannot be used: its time is over, or the number that it was opened for has no usable account.
    fn fault_of(&mut self, session: &Session, now: Instant) -> Option<PageFault> {
        if now >= session.expires_at {
            return Some(PageFault::Expired);
        }
        session.phone.as_deref().and_then(|phone| self.account(phone).err())
    }

    /// Ends a page: what it was for happens or does not, and the gateway is told.
    fn conclude(
        &mut self,
        session: &mut Session,
        result: Result<(), PageFault>,
        surroundings: &mut dyn Surroundings,
    ) -> Vec<HttpRequest> {
        let now = surroundings.now();
        let (over, notices) = match (session.purpose.clone(), result) {
            (Purpose::Authorise { code, .. }, Ok(())) => {
                (Ok(Some(self.authorised(code, session.phone.clone(), surroundings))), vec![])
            }
            (Purpose::Authorise { .. }, Err(fault)) => (Err(fault), vec![]),
            (Purpose::Link { reference, gives_code: true }, Ok(())) => {
                let code = self.new_code(session.phone.clone(), Some(reference), surroundings);
                (Ok(Some(code)), vec![])
            }
            (Purpose::Link { reference, gives_code: false }, result)
            | (Purpose::Link { reference, .. }, result @ Err(_)) => {
                if let Some(link) = self.state.links.get_mut(&reference) {
                    link.status = result.map_or_else(LinkStatus::Failed, |()| LinkStatus::Active);
                }
                let event = result.map_or_else(LinkEvent::Failed, |()| LinkEvent::Linked);
                (result.map(|()| None), self.tell_link(&reference, event, surroundings))
            }
            (Purpose::Pay { reference }, result) => {
                let result = self.confirmed(&reference, session.phone.clone(), result, now);
                (result.map(|()| None), self.tell_charge(&reference, surroundings))
            }
        };
        session.over = Some(over);
        notices
    }

    fn authorised(
        &mut self,
        code: Option<String>,
        phone: Option<String>,
        surroundings: &mut dyn Surroundings,
    ) -> String {
        match code {
            Some(code) => {
                if let Some(waiting) = self.state.auth_codes.get_mut(&code) {
                    waiting.phone = phone;
                }
                code
            }
            None => self.new_code(phone, None, surroundings),
        }
    }

    fn confirmed(
        &mut self,
        reference: &str,
        phone: Option<String>,
        result: Result<(), PageFault>,
        now: Instant,
    ) -> Result<(), PageFault> {
        let Some(charge) = self.state.charges.get_mut(reference) else { return Err(PageFault::Expired) };
        if !matches!(charge.status, ChargeStatus::Waiting { .. }) {
            return Err(PageFault::Expired);
        }
        charge.phone = phone;
        charge.changed_at = now;
        match result {
            Ok(()) => self.charge_now(reference, now).map(|_| ()).map_err(|fault| match fault.case.as_str() {
                "14" => PageFault::InsufficientFunds,
                "05" => PageFault::AccountBlocked,
                _ => PageFault::AccountNotFound,
            }),
            Err(fault) => {
                charge.status = match fault {
                    PageFault::Cancelled | PageFault::Expired => ChargeStatus::Cancelled,
                    other => ChargeStatus::Refused(other.code().0, other.code().1.to_owned()),
                };
                Err(fault)
            }
        }
    }
}

fn otp_entered(session: &mut Session, otp: &str, now: Instant) -> Option<PageFault> {
    let too_old = now.seconds_since(session.otp_sent_at) >= magic::OTP_SECONDS;
    match otp {
        SANDBOX_OTP if !too_old => {
            session.steps.remove(0);
            session.tries = 0;
            None
        }
        SANDBOX_OTP | magic::OTP_EXPIRED => {
            session.error = Some(EntryError::OtpExpired);
            None
        }
        magic::OTP_BLOCKED => Some(PageFault::TooManyTries),
        _ => wrong(session, EntryError::OtpWrong),
    }
}

fn pin_entered(session: &mut Session, pin: &str) -> Option<PageFault> {
    if pin == SANDBOX_PIN {
        session.steps.remove(0);
        return None;
    }
    wrong(session, EntryError::PinWrong)
}

fn wrong(session: &mut Session, error: EntryError) -> Option<PageFault> {
    session.tries += 1;
    session.error = Some(error);
    (session.tries >= magic::TRIES_MAX).then_some(PageFault::TooManyTries)
}
