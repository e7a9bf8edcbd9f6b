//! `constraint add`.

use haven_core::ids::{ConstraintId, NodeId};
use haven_core::spec::{
    Colocation, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Order, OrderKind, OrderVerb, Pair,
    SetJoin, Spec, SpecEdit,
};
use haven_core::units::Score;

use super::{WordFault, known_resource};

/// Where a resource should run.
#[derive(Debug, Clone)]
pub struct NewLocation<'a> {
    /// Its name; made of resource and node if there is none.
    pub id: Option<&'a str>,
    /// The resource.
    pub resource: &'a str,
    /// The node; it may join later.
    pub node: &'a str,
    /// How much.
    pub score: &'a str,
}

/// Which resource runs where another one does.
#[derive(Debug, Clone)]
pub struct NewColocation<'a> {
    /// Its name; made of both resources if there is none.
    pub id: Option<&'a str>,
    /// The resource that follows.
    pub resource: &'a str,
    /// The resource that is followed.
    pub with: &'a str,
    /// How much.
    pub score: &'a str,
}

/// Which resource comes before which.
#[derive(Debug, Clone)]
pub struct NewOrder<'a> {
    /// Its name; made of both resources if there is none.
    pub id: Option<&'a str>,
    /// The first, as `resource` or `resource:action`.
    pub first: &'a str,
    /// The second, in the same form.
    pub then: &'a str,
    /// How strictly.
    pub kind: OrderKind,
}

/// The edit that adds a location constraint. Errors: an unknown resource, a name that is taken, no score.
pub fn location(spec: &Spec, new: &NewLocation) -> Result<Vec<SpecEdit>, WordFault> {
    let resource = known_resource(spec, new.resource)?.id.clone();
    let node = NodeId::new(new.node).map_err(|error| WordFault::name(&error))?;
    let id = fresh(spec, new.id, || format!("loc_{}_{}", new.resource, new.node))?;
    let place = LocationWhere::Node { node, score: score(new.score)? };
    let target = LocationTarget::Resource(resource);
    put(id, ConstraintBody::Location(Location { target, role: None, place, discovery: None }))
}

/// The edit that adds a colocation. Errors: as of [`location`].
pub fn colocation(spec: &Spec, new: &NewColocation) -> Result<Vec<SpecEdit>, WordFault> {
    let follows = Pair::plain(known_resource(spec, new.resource)?.id.clone());
    let followed = Pair::plain(known_resource(spec, new.with)?.id.clone());
    let id = fresh(spec, new.id, || format!("col_{}_{}", new.resource, new.with))?;
    let join = SetJoin::Pair(follows, followed);
    put(
        id,
        ConstraintBody::Colocation(Colocation {
            score: score(new.score)?,
            join,
            node_attribute: None,
            influence: None,
        }),
    )
}

/// The edit that adds an order. Errors: as of [`location`], and an unknown action.
pub fn order(spec: &Spec, new: &NewOrder) -> Result<Vec<SpecEdit>, WordFault> {
    let (first, then) = (side(spec, new.first)?, side(spec, new.then)?);
    let id = fresh(spec, new.id, || format!("ord_{}_{}", first.resource, then.resource))?;
    let join = SetJoin::Pair(first, then);
    put(id, ConstraintBody::Order(Order { kind: new.kind, join, symmetrical: None }))
}

fn side(spec: &Spec, text: &str) -> Result<Pair, WordFault> {
    // A resource's own name may contain a colon.
    if let Ok(resource) = known_resource(spec, text) {
        return Ok(Pair::plain(resource.id.clone()));
    }
    let Some((name, action)) = text.rsplit_once(':') else {
        return Ok(Pair::plain(known_resource(spec, text)?.id.clone()));
    };
    let verb = match action.to_ascii_lowercase().as_str() {
        "start" => OrderVerb::Start,
        "stop" => OrderVerb::Stop,
        "promote" => OrderVerb::Promote,
        "demote" => OrderVerb::Demote,
        _ => {
            let what = format!("`{action}` is no action of an order");
            return Err(WordFault::new(what, "write start or stop after the colon, or nothing"));
        }
    };
    Ok(Pair { verb: Some(verb), ..Pair::plain(known_resource(spec, name)?.id.clone()) })
}

fn score(text: &str) -> Result<Score, WordFault> {
    let fault = || WordFault::new(format!("`{text}` is no score"), "write a number, inf or -inf");
    Score::parse(text.trim_end_matches(':')).ok_or_else(fault)
}

fn fresh(spec: &Spec, id: Option<&str>, make: impl Fn() -> String) -> Result<ConstraintId, WordFault> {
    let id = id.map_or_else(make, str::to_owned);
    let id = ConstraintId::new(&id)
        .map_err(|error| WordFault::new(error.to_string(), "give it another name with --id NAME"))?;
    if spec.constraints.contains_key(&id) {
        let what = format!("a constraint `{id}` is there already");
        return Err(WordFault::new(what, format!("remove it (`haven constraint remove {id}`), or give another --id")));
    }
    Ok(id)
}

fn put(id: ConstraintId, body: ConstraintBody) -> Result<Vec<SpecEdit>, WordFault> {
    Ok(vec![SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None })])
}
