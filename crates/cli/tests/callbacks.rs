//! What the merchant answers decides: an Inquiry that is not answered with yes and the very amount charges nothing,
//! and a notification is repeated until it is accepted.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use simulator::demo_merchant::ON_DEMAND;

use crate::{
    keepings::Keeping,
    support::{World, eventually, payment, status},
};

fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

async fn a_merchant_that_does_not_agree_is_not_charged_for(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    let expected = [
        ("NOTFOUND", "4045412", "06"),
        ("WRONGAMOUNT", "4045413", "06"),
        ("REFUSE", "4045412", "06"),
        ("SILENT", "4045412", "06"),
        ("DEAFONCE", "2005400", "00"),
    ];
    let words: Vec<&str> = expected.iter().map(|(word, ..)| *word).collect();
    assert_eq!(words, ON_DEMAND.iter().map(|(word, _)| *word).collect::<Vec<_>>(), "every word has its row");
    for (word, code, ended) in expected {
        let reference = format!("INV-{word}");
        let fields = payment(product(), &reference, &card, 12_000);
        let sent = client.send("payment_host_to_host", &fields).await.expect("sent");
        assert_eq!(sent.code().as_deref(), Some(code), "{word}: {:?}", sent.reply());
        assert_eq!(status(&client, &reference).await, ended, "{word}");
    }
    let charges = world.charges(product()).await;
    assert_eq!(charges.len(), 1, "only the last one was agreed to: {charges:?}");
    let order = eventually("the repeat is accepted", async || {
        let order = world.order("INV-DEAFONCE").await;
        order["paid"].is_string().then_some(order)
    })
    .await;
    assert_eq!(order["notifications"].as_array().map(Vec::len), Some(1), "{order}");
}

/// A merchant of one answer: takes a request, says no, and gives what it got.
fn answer_once(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().expect("a call");
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&text).contains("additionalInfo") {
        let read = stream.read(&mut piece).expect("a request");
        assert!(read > 0, "cut short");
        text.extend_from_slice(&piece[..read]);
    }
    let body = r#"{"responseCode":"4042412","responseMessage":"Invalid Bill"}"#;
    let length = body.len();
    write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .expect("answered");
    String::from_utf8_lossy(&text).into_owned()
}

async fn callbacks_go_where_the_merchant_wants_them(keeping: Keeping) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/shop", listener.local_addr().expect("an address"));
    let mut world = World::new(keeping);
    world.start_gateway(&["--merchant-callback", &address]);
    let merchant = std::thread::spawn(move || {
        // The binding notification comes first, and is refused.
        let calls = [answer_once(&listener), answer_once(&listener)];
        calls.map(|call| call.lines().next().unwrap_or_default().to_owned())
    });
    let card = world.link(product()).await;
    let sent =
        world.client().send("payment_host_to_host", &payment(product(), "INV-1", &card, 9_000)).await.expect("sent");
    assert_eq!(sent.code().as_deref(), Some("4045412"), "{:?}", sent.reply());
    let mut calls = merchant.join().expect("two calls");
    calls.sort();
    let wanted = ["/shop/v1.0/registration-account-binding/notify", "/shop/v1.0/transfer-va/inquiry"];
    assert_eq!(calls, wanted.map(|path| format!("POST {path} HTTP/1.1")));
}

on_both_keepings! {
    a_merchant_that_does_not_agree_is_not_charged_for,
    callbacks_go_where_the_merchant_wants_them,
}
