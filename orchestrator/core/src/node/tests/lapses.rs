//! What is stopped when the hold lease ends, and in which order.

use super::*;
use crate::bench::{before, prefers};
use crate::node::{Job, JobKind};

/// `db` and `web`, which rests on it, run on `a`, whose hold lease ends at 500 ms.
fn both_here() -> Desk {
    let mut desk = Desk::new();
    desk.bench.add(vec![primitive("web")]);
    desk.bench.edit(vec![before("db", "web"), prefers("db", "a", 100), prefers("web", "a", 100)]);
    desk.bench.settle();
    assert_eq!(desk.bench.running(), "db: started on a\nweb: started on a\n");
    let identity = Identity { hold: Inherited::Until(at(500)), ..desk.mind.id.clone() };
    desk.mind = Node::new(identity, at(0));
    desk.tick(0);
    desk
}

fn jobs(outputs: &[Output]) -> Vec<Job> {
    let job = |o: &Output| if let Output::Run(job) = o { Some(job.clone()) } else { None };
    outputs.iter().filter_map(job).collect()
}

fn lease_stops(outputs: &[Output]) -> Vec<Job> {
    jobs(outputs).into_iter().filter(|job| job.kind == JobKind::LeaseStop).collect()
}

/// The lapse: monitors that are under way are told to end, and end.
fn lapse(desk: &mut Desk, seen: &[Job]) -> Vec<Output> {
    let mut outputs = desk.tick(600);
    for job in seen {
        assert!(outputs.contains(&Output::Abort(job.id)), "{outputs:?}");
        outputs.extend(end(desk, job, Outcome::Unknown));
    }
    outputs
}

fn end(desk: &mut Desk, job: &Job, outcome: Outcome) -> Vec<Output> {
    let (detail, elapsed) = (String::new(), Millis(10));
    desk.step(Input::Ended { job: job.id, outcome, detail, elapsed })
}

fn names(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(|job| job.resource.to_string()).collect()
}

#[test]
fn what_another_rests_on_is_stopped_once_that_has_stopped() {
    let mut desk = both_here();
    let monitors = jobs(&desk.tick(10));
    let first = lease_stops(&lapse(&mut desk, &monitors));
    assert_eq!(names(&first), ["web"]);
    assert_eq!(names(&lease_stops(&desk.tick(700))), [""; 0], "the stop of web is under way");
    assert_eq!(names(&lease_stops(&end(&mut desk, &first[0], Outcome::Done))), ["db"]);
}

#[test]
fn a_stop_that_fails_is_not_waited_for_by_the_others_and_tried_again() {
    let mut desk = both_here();
    let monitors = jobs(&desk.tick(10));
    let first = lease_stops(&lapse(&mut desk, &monitors));
    let second = lease_stops(&end(&mut desk, &first[0], Outcome::Failed));
    assert_eq!(names(&second), ["db"]);
    end(&mut desk, &second[0], Outcome::Done);
    assert_eq!(names(&lease_stops(&desk.tick(1500))), [""; 0]);
    assert_eq!(names(&lease_stops(&desk.tick(1600))), ["web"], "a second later");
}
