//! Whoever does not take what it asked for loses its connection: little of it waits here, but it holds a place, and an answer,
//! for as long as it waits.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A connection that fails once nothing of what is sent was taken for some time.
pub struct Taken<Io> {
    io: Io,
    patience: Duration,
    /// When that is over, while something waits.
    until: Option<Pin<Box<Sleep>>>,
}

impl<Io> Taken<Io> {
    pub const fn new(io: Io, patience: Duration) -> Self {
        Self { io, patience, until: None }
    }

    fn in_time<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.until = None;
            return sent;
        }
        let patience = self.patience;
        ready!(self.until.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Taken<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Taken<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.io).poll_write(context, bytes);
        self.in_time(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.io).poll_write_vectored(context, pieces);
        self.in_time(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.io).poll_flush(context);
        self.in_time(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.io).poll_shutdown(context);
        self.in_time(context, sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::sleep,
    };

    #[tokio::test]
    async fn what_nobody_takes_ends_the_connection() {
        let (here, _there) = duplex(4);
        let patience = Duration::from_millis(50);
        let (mut here, begun) = (Taken::new(here, patience), Instant::now());
        let error = here.write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= patience, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn who_takes_a_little_now_and_then_is_waited_for() {
        let (here, mut there) = duplex(4);
        let mut here = Taken::new(here, Duration::from_millis(400));
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            while read.len() < 18 {
                sleep(Duration::from_millis(50)).await;
                read.push(there.read_u8().await.unwrap());
            }
            read
        });
        here.write_all(b"a little ").await.expect("it goes on");
        // Between answers nothing is waited for.
        sleep(Duration::from_millis(600)).await;
        here.write_all(b"at a time").await.expect("it goes on");
        assert_eq!(reading.await.unwrap(), b"a little at a time");
    }
}
