//! A request's body under its limit.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use crate::options::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX};

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Over [`BODY_BYTES_MAX`], as declared or as it came.
    TooLarge,
    /// The sender stopped in the middle.
    Broken,
}

impl BodyFault {
    /// The fault in words.
    pub fn reason(self) -> String {
        match self {
            Self::TooLarge => format!("body over {BODY_BYTES_MAX} bytes"),
            Self::Broken => "the body ends early".to_owned(),
        }
    }
}

/// Reads a body. What is too large is read on for a while and thrown away.
pub async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, BodyFault> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > DISCARDED_BYTES_MAX) {
        return Err(BodyFault::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(BodyFault::Broken);
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length > DISCARDED_BYTES_MAX {
            return Err(BodyFault::TooLarge);
        }
        if length > BODY_BYTES_MAX {
            continue;
        }
        // Nearly every body is one frame, which is kept without a copy.
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    match length {
        _ if length > BODY_BYTES_MAX => Err(BodyFault::TooLarge),
        _ if rest.is_empty() => Ok(first),
        _ => Ok(rest.freeze()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    struct Frames(Vec<usize>);

    impl hyper::body::Body for Frames {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            let next = self.0.pop().map(|length| Ok(hyper::body::Frame::data(Bytes::from(vec![b'a'; length]))));
            Poll::Ready(next)
        }
    }

    #[tokio::test]
    async fn the_limit_holds_for_declared_and_for_streamed_bodies() {
        for (declared, frames, expected) in [
            (None, vec![], Ok(0)),
            (None, vec![10], Ok(10)),
            (None, vec![10, 5, 0, 7], Ok(22)),
            (None, vec![BODY_BYTES_MAX], Ok(BODY_BYTES_MAX)),
            (None, vec![1, BODY_BYTES_MAX], Err(BodyFault::TooLarge)),
            (None, vec![BODY_BYTES_MAX; 40], Err(BodyFault::TooLarge)),
            (Some("2000000"), vec![10], Err(BodyFault::TooLarge)),
            (Some("70000"), vec![70_000], Err(BodyFault::TooLarge)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(declared) = declared {
                headers.insert(header::CONTENT_LENGTH, http::HeaderValue::from_static(declared));
            }
            let found = read(&headers, Body::new(Frames(frames.clone()))).await;
            assert_eq!(found.map(|bytes| bytes.len()), expected, "{declared:?} {frames:?}");
        }
    }
}
