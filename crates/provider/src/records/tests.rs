//! What the books forget, and what they do not.

use super::*;
use ledger::{Digest, Finish, Head, Keypair, Time, Usage};

fn channel() -> ChannelId {
    ChannelId([1; 32])
}

fn receipt(number: u64) -> Signed<Receipt> {
    let keys = Keypair::from_secret(&[7; 32]);
    let usage = Usage { input: 1, output: 1 };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let (digest, time) = (Digest([0; 32]), Time(1_000));
    let order = Order {
        channel: channel(),
        id: OrderId(id),
        offer: OfferId([0; 32]),
        request: digest,
        limit: usage,
        expires: time,
    };
    let order = keys.sign(digest, order);
    let head = Head { size: 0, root: digest };
    keys.sign(digest, Receipt { order, number, answer: digest, usage, finish: Finish::Stop, time, head })
}

fn books() -> (tempfile::TempDir, Books) {
    let dir = tempfile::tempdir().unwrap();
    let books = Books::open(&dir.path().join("books.db"), MIGRATIONS).unwrap();
    (dir, books)
}

#[tokio::test]
async fn a_receipt_whose_predecessor_was_lost_is_not_kept() {
    let (_dir, books) = books();
    books.write(|books| put_receipt(books, &receipt(1))).await.unwrap();
    assert!(books.write(|books| put_receipt(books, &receipt(3))).await.is_err());
    books.write(|books| put_receipt(books, &receipt(2))).await.unwrap();
    assert_eq!(receipts(&books, channel(), 1, 10).unwrap(), [receipt(1), receipt(2)]);
}

#[tokio::test]
async fn an_order_that_was_answered_is_known_until_it_is_settled() {
    let (_dir, books) = books();
    let failed = receipt(9).body.order.body;
    books.write(move |books| take_order(books, &failed)).await.unwrap();
    for number in [1, 2] {
        let order = receipt(number).body.order.body;
        books.write(move |books| take_order(books, &order)).await.unwrap();
        books.write(move |books| put_receipt(books, &receipt(number))).await.unwrap();
    }
    let settled = HashMap::from([(channel(), 1)]);
    books.write(move |books| forget(books, 5_000, 1_000_000, &settled)).await.unwrap();
    let known = |number| order(&books, channel(), receipt(number).body.order.body.id).unwrap();
    assert_eq!(known(9), None);
    assert_eq!(known(1), None);
    assert_eq!(known(2), Some(Some(receipt(2))), "it is not paid yet");
    assert_eq!(receipts(&books, channel(), 1, 10).unwrap().len(), 2, "they are young");
    let settled = HashMap::from([(channel(), 1)]);
    books.write(move |books| forget(books, 5_000, 1_000, &settled)).await.unwrap();
    assert_eq!(receipts(&books, channel(), 1, 10).unwrap(), [receipt(2)], "what is not settled is kept");
    books.write(|books| forget(books, 5_000, 1_000, &HashMap::new())).await.unwrap();
    assert!(receipts(&books, channel(), 1, 10).unwrap().is_empty(), "the channel is gone");
    books.write(|books| put_receipt(books, &receipt(3))).await.unwrap();
}

/// Pages of the books that hold something.
fn used_pages(books: &Books) -> i64 {
    let pragma =
        |books: &Connection, name: &str| books.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    books.read(|books| Ok(pragma(books, "page_count")? - pragma(books, "freelist_count")?)).unwrap()
}

/// They were forgotten, and each kept the room that it had had.
#[tokio::test]
async fn what_is_forgotten_gives_its_room_back() {
    let (_dir, books) = books();
    let empty = used_pages(&books);
    books.write(|books| (1..=1_000).try_for_each(|number| put_receipt(books, &receipt(number)))).await.unwrap();
    let whole = used_pages(&books) - empty;
    books.write(|books| forget(books, 5_000, 1_000, &HashMap::new())).await.unwrap();
    let left = used_pages(&books) - empty;
    assert!(left * 3 < whole, "{left} of {whole} pages");
    assert!(receipts(&books, channel(), 1, 10).unwrap().is_empty());
}

#[tokio::test]
async fn an_order_that_was_forgotten_while_it_was_answered_is_known_again() {
    let (_dir, books) = books();
    let taken = receipt(1).body.order.body;
    books.write(move |books| take_order(books, &taken)).await.unwrap();
    books.write(|books| forget(books, 5_000, 1_000, &HashMap::new())).await.unwrap();
    books.write(|books| put_receipt(books, &receipt(1))).await.unwrap();
    assert_eq!(order(&books, channel(), receipt(1).body.order.body.id).unwrap(), Some(Some(receipt(1))));
}

#[tokio::test]
async fn debts_are_kept() {
    let (_dir, books) = books();
    let debt = (AccountId([3; 32]), Lost { cost: Amount(u128::MAX), time: 5 });
    books.write(move |books| put_debt(books, channel(), debt.0, debt.1)).await.unwrap();
    assert_eq!(debts(&books).unwrap(), [debt]);
}
