//! Nobody plays Espay: what it speaks is what our own server serves, so a gateway in a sandbox is its other side. Should
//! it be started all the same, it answers that nothing is here.

use crate::{
    HttpRequest, HttpResponse,
    imitation::{Books, Imitation, Reaction, Surroundings},
};

/// An imitation that is none.
pub(super) struct Nobody;

/// The one state that it can be in.
const SAVED: &str = r#"{"provider":"espay"}"#;

impl Imitation for Nobody {
    fn handle(&mut self, _: &HttpRequest, _: &mut dyn Surroundings) -> Reaction {
        HttpResponse::json(404, r#"{"responseCode":"4040000","responseMessage":"Nobody plays this provider"}"#).into()
    }

    fn books(&self) -> Books {
        Books { provider: "espay".into(), ..Books::default() }
    }

    fn revoke(&mut self, _: &str, surroundings: &mut dyn Surroundings) -> Reaction {
        let request = HttpRequest { method: "POST", url: String::new(), headers: vec![], body: vec![] };
        self.handle(&request, surroundings)
    }

    fn save(&self) -> String {
        SAVED.into()
    }

    fn restore(&mut self, saved: &str) -> Result<(), String> {
        if saved == SAVED { Ok(()) } else { Err("not the state of a provider that nobody plays".into()) }
    }
}
