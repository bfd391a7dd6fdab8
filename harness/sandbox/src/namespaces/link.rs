//! The harness's end of a guest: many questions at once on one socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbed_guest::link::{self, PIECE, frame};
use patchbed_guest::message::{Call, FRAME_LIMIT, Message, Reply, Request, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::LinkError;

/// Where pieces of a program's output go. While who asked for them is behind, nothing else is read from the guest.
pub(super) type Pieces = mpsc::Sender<(Stream, Vec<u8>)>;

/// The link to one guest.
#[derive(Debug)]
pub(super) struct Link {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
    streams: HashMap<u64, Pieces>,
    gone: Option<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers everybody who waits that the guest is gone.
    fn end(&self, why: &str) {
        let mut state = self.state();
        state.gone.get_or_insert_with(|| why.to_owned());
        state.waiting.clear();
        state.streams.clear();
    }
}

impl Link {
    /// Takes over a socket on which the guest has said that it is ready.
    pub(super) fn new(socket: UnixStream) -> Self {
        let (reader, writer) = socket.into_split();
        let shared = Arc::new(Shared::default());
        let (frames, queue) = mpsc::unbounded_channel();
        tokio::spawn(write(writer, queue));
        tokio::spawn(read(reader, Arc::clone(&shared)));
        Self { frames, shared }
    }

    /// Says why the guest is gone, before the socket does.
    pub(super) fn gone(&self, why: &str) {
        self.shared.end(why);
    }

    /// Asks; the answer comes when it is awaited.
    pub(super) fn ask(&self, request: Request, stream: Option<Pieces>) -> Result<Question<'_>, LinkError> {
        let runs = matches!(request, Request::Run(_));
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut state = self.shared.state();
            if let Some(why) = &state.gone {
                return Err(LinkError::Gone(why.clone()));
            }
            state.last += 1;
            let id = state.last;
            state.waiting.insert(id, sender);
            if let Some(stream) = stream {
                state.streams.insert(id, stream);
            }
            id
        };
        let question = Question { link: self, id, runs, answer: Some(answer) };
        self.send(&Call { id, request })?;
        Ok(question)
    }

    fn send(&self, call: &Call) -> Result<(), LinkError> {
        let frame = frame(call).map_err(|error| LinkError::Protocol(error.to_string()))?;
        self.frames.send(frame).map_err(|_| self.why())
    }

    /// Asks for something that nobody waits for.
    pub(super) fn order(&self, request: Request) {
        let id = {
            let mut state = self.shared.state();
            state.last += 1;
            state.last
        };
        // A guest that is gone has nothing to be ordered.
        let _ = self.send(&Call { id, request });
    }

    fn why(&self) -> LinkError {
        let gone = self.shared.state().gone.clone();
        LinkError::Gone(gone.unwrap_or_else(|| ENDED.to_owned()))
    }
}

/// What is said when nothing better is known.
const ENDED: &str = "process 1 of the sandbox has ended";

/// A question under way. Dropping one that runs a program kills the program.
#[derive(Debug)]
pub(super) struct Question<'a> {
    link: &'a Link,
    id: u64,
    runs: bool,
    answer: Option<oneshot::Receiver<Reply>>,
}

impl Question<'_> {
    /// Its number on the link.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits for the answer.
    pub(super) async fn answer(mut self) -> Result<Reply, LinkError> {
        let answer = self.answer.as_mut().expect("a question is answered once");
        let reply = answer.await.map_err(|_| self.link.why());
        self.answer = None;
        reply
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut state = self.link.shared.state();
        state.waiting.remove(&self.id);
        state.streams.remove(&self.id);
        drop(state);
        if self.runs && self.answer.is_some() {
            self.link.order(Request::Cancel { run: self.id });
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}

async fn read(mut reader: OwnedReadHalf, shared: Arc<Shared>) {
    let why = loop {
        match read_frame(&mut reader).await {
            Ok(Some(Frame::Message(message))) => deliver(&shared, message),
            Ok(Some(Frame::Piece { id, stream, bytes })) => pass_on(&shared, id, stream, bytes).await,
            Ok(None) => break ENDED.to_owned(),
            Err(error) => break format!("the link broke: {error}"),
        }
    };
    shared.end(&why);
}

fn deliver(shared: &Shared, message: Message) {
    match message {
        Message::Reply { id, reply } => {
            let waiting = {
                let mut state = shared.state();
                state.streams.remove(&id);
                state.waiting.remove(&id)
            };
            // Who does not wait any more does not want to know.
            if let Some(sender) = waiting {
                let _ = sender.send(reply);
            }
        }
        Message::Ready { .. } | Message::SetupFailed(_) => {}
    }
}

async fn pass_on(shared: &Shared, id: u64, stream: Stream, bytes: Vec<u8>) {
    let pieces = shared.state().streams.get(&id).cloned();
    if let Some(pieces) = pieces {
        // Who does not listen any more does not want to know.
        let _ = pieces.send((stream, bytes)).await;
    }
}

/// What comes from a guest.
pub(super) enum Frame {
    Message(Message),
    Piece { id: u64, stream: Stream, bytes: Vec<u8> },
}

/// Reads one frame; `None` at the end.
pub(super) async fn read_frame(reader: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Option<Frame>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length).await {
        Ok(_) => {}
        // A killed guest resets the connection when something was still unread.
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    let (is_piece, length) = (length & PIECE != 0, (length & !PIECE) as usize);
    if length > FRAME_LIMIT {
        return Err(std::io::Error::other(format!("a frame of {length} bytes is too long")));
    }
    let mut body = Vec::with_capacity(length.min(64 << 10));
    reader.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Ok(None);
    }
    if !is_piece {
        return Ok(Some(Frame::Message(serde_json::from_slice(&body)?)));
    }
    let piece = link::Piece::parse(&body).ok_or_else(|| std::io::Error::other("a piece of output is broken"))?;
    let (id, stream, head) = (piece.id, piece.stream, length - piece.bytes.len());
    body.drain(..head);
    Ok(Some(Frame::Piece { id, stream, bytes: body }))
}
