//! openraft's own storage suite: 45 tests of log and state machine, each on a new store.

use std::marker::PhantomData;

use haven_env::Runtime;
use haven_log::openraft::StorageError;
use haven_log::openraft::testing::log::{StoreBuilder, Suite};
use haven_log::{LogStore, StateMachine, Types};

use crate::bed::{Bed, both};
use crate::book::{Book, machine};

struct Beds<R> {
    make: Box<dyn Fn() -> Bed + Send + Sync>,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> StoreBuilder<Types<R>, LogStore<R>, StateMachine<Book>, Bed> for Beds<R> {
    async fn build(&self) -> Result<(Bed, LogStore<R>, StateMachine<Book>), StorageError<Types<R>>> {
        let bed = (self.make)();
        let (store, log) = bed.log().await;
        Ok((bed, log, machine(&store)))
    }
}

async fn openrafts_own_suite_passes<R: Runtime>(bed: Bed) {
    let make: Box<dyn Fn() -> Bed + Send + Sync> = match bed {
        Bed::Files(_) => Box::new(Bed::files),
        Bed::Simulated(_) => Box::new(|| Bed::simulated(2)),
    };
    Suite::test_all(Beds::<R> { make, runtime: PhantomData }).await.unwrap();
}

both! {
    openrafts_own_suite_passes;
}
