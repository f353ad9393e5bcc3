//! What the books forget, and what they do not.

use super::*;
use ledger::{Finish, Head, Keypair, OfferId, Time, Usage};

fn channel() -> ChannelId {
    ChannelId([1; 32])
}

fn ordered(place: u8, created: u64) -> Ordered {
    let limit = Usage { input: 1, output: 1 };
    let order = Order {
        channel: channel(),
        id: OrderId([place; 16]),
        offer: OfferId([0; 32]),
        request: Digest([0; 32]),
        limit,
        expires: Time(created),
    };
    let order = Keypair::from_secret(&[7; 32]).sign(Digest([0; 32]), order);
    let worst = Worst { key: Amount(3), channel: Amount(2) };
    Ordered { key: Some(1), order, salt: [place; 32], worst, created, state: State::Open, number: None, receipt: None }
}

fn receipt(ordered: &Ordered, number: u64) -> Signed<Receipt> {
    let (digest, order) = (Digest([0; 32]), ordered.order.clone());
    let (usage, head) = (Usage { input: 1, output: 1 }, Head { size: 0, root: digest });
    let body = Receipt { order, number, answer: digest, usage, finish: Finish::Stop, time: Time(1), head };
    Keypair::from_secret(&[7; 32]).sign(digest, body)
}

/// Books with an order that ended with each number, and one of each other kind: open (10) and failed (11).
async fn books(numbers: std::ops::RangeInclusive<u8>) -> (tempfile::TempDir, Books) {
    let dir = tempfile::tempdir().unwrap();
    let books = Books::open(&dir.path().join("books.db"), MIGRATIONS).unwrap();
    let write = move |books: &Connection| {
        for number in numbers {
            let ordered = ordered(number, 1_000);
            put_order(books, &ordered)?;
            assert!(end_order(books, ordered.order.body.id, State::Paid, Some(&receipt(&ordered, number.into())))?);
            put_leaf(books, channel(), number.into(), Digest([number; 32]), None)?;
        }
        put_order(books, &ordered(10, 1_000))?;
        put_order(books, &ordered(11, 1_000))?;
        end_order(books, OrderId([11; 16]), State::Failed, None)
    };
    books.write(write).await.unwrap();
    (dir, books)
}

fn is_whole(books: &Books, place: u8) -> bool {
    match order(books, OrderId([place; 16])).unwrap() {
        Found::Whole(_) => true,
        Found::Forgotten => false,
        Found::Nothing => panic!("an order's id is kept for ever"),
    }
}

#[tokio::test]
async fn what_is_settled_and_old_is_forgotten_but_for_ids_and_leaves() {
    let (_dir, books) = books(1..=3).await;
    let young = books.write(|books| forget(books, channel(), 2, 1_000, 10)).await.unwrap();
    assert_eq!(young, 0);
    let count = books.write(|books| forget(books, channel(), 2, 1_001, 10)).await.unwrap();
    assert_eq!(count, 3, "two that are settled, and the failed one");
    let whole: Vec<u8> = [1, 2, 3, 10, 11].into_iter().filter(|place| is_whole(&books, *place)).collect();
    assert_eq!(whole, [3, 10]);
    assert_eq!(leaves(&books, channel(), 3).unwrap(), [Digest([1; 32]), Digest([2; 32]), Digest([3; 32])]);
    assert_eq!(open_orders(&books).unwrap().len(), 1);
    assert_eq!(books.write(|books| forget(books, channel(), u64::MAX, 1_001, 10)).await.unwrap(), 1);
    assert!(is_whole(&books, 10), "an order without an outcome is never forgotten");
}

#[tokio::test]
async fn forgetting_goes_on_where_it_stopped() {
    let (_dir, books) = books(1..=5).await;
    let mut counts = Vec::new();
    while counts.last() != Some(&0) {
        counts.push(books.write(|books| forget(books, channel(), 5, 2_000, 4)).await.unwrap());
    }
    assert_eq!(counts, [4, 2, 0]);
}

/// They were forgotten, and each kept the room that it had had.
#[tokio::test]
async fn what_is_forgotten_gives_its_room_back() {
    let (_dir, books) = books(1..=1).await;
    let pragma =
        |books: &Connection, name: &str| books.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let used = || books.read(|books| Ok(pragma(books, "page_count")? - pragma(books, "freelist_count")?)).unwrap();
    let empty = used();
    let write = |books: &Connection| {
        (0..1_000u32).try_for_each(|number| {
            let mut ordered = ordered(0, 1_000);
            // As chance has it: they come in no order.
            ordered.order.body.id.0[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
            put_order(books, &ordered)?;
            end_order(books, ordered.order.body.id, State::Paid, Some(&receipt(&ordered, number.into()))).map(drop)
        })
    };
    books.write(write).await.unwrap();
    let whole = used() - empty;
    assert!(books.write(|books| forget(books, channel(), 1_000, 2_000, 2_000)).await.unwrap() >= 1_000);
    let left = used() - empty;
    assert!(left * 2 < whole, "{left} of {whole} pages");
}

#[tokio::test]
async fn an_order_that_was_lost_and_paid_is_known() {
    let (_dir, books) = books(1..=1).await;
    let lost = receipt(&ordered(9, 5), 2);
    assert!(matches!(order(&books, OrderId([9; 16])).unwrap(), Found::Nothing));
    let kept = lost.clone();
    books.write(move |books| put_lost(books, &kept, 5)).await.unwrap();
    let Found::Whole(found) = order(&books, OrderId([9; 16])).unwrap() else { panic!("it is not known") };
    assert_eq!((found.state, found.number, found.key, found.receipt), (State::Paid, Some(2), None, Some(lost)));
}

#[tokio::test]
async fn what_a_key_spends_is_added_up_over_all_and_by_days() {
    let (_dir, books) = books(1..=1).await;
    let key = |books: &Connection| {
        books.execute(
            "INSERT INTO key (id, hash, name, budget, spent, created) VALUES (7, x'00', '', ?1, ?2, 0)",
            [money(Amount(100)), money(Amount::ZERO)],
        )
    };
    books.write(key).await.unwrap();
    let today = now() / DAY_MS;
    let charges = move |books: &Connection| {
        books
            .execute("INSERT INTO spent_on VALUES (7, ?, ?)", params![(today - 1).cast_signed(), money(Amount(40))])?;
        charge(books, 7, Amount(5))?;
        charge_for_file(books, 7, Amount(2))
    };
    books.write(charges).await.unwrap();
    let spent = books.read(|books| books.query_row("SELECT spent FROM key WHERE id = 7", [], |row| amount(row, 0)));
    assert_eq!(spent.unwrap(), Amount(7));
    let days = spent_since(&books, 7, today).unwrap();
    // It may have become tomorrow meanwhile.
    assert_eq!(days.iter().map(|(_, amount)| amount.0).sum::<u128>(), 7, "{days:?}");
    assert_eq!(spent_since(&books, 7, today - 1).unwrap()[0], (today - 1, Amount(40)));
    assert!(spent_since(&books, 8, 0).unwrap().is_empty());
}
