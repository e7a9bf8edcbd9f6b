//! Lists whose elements are found by keys of their own type.
//!
//! For: trees and graphs without references. A key is only made by the list that it is for, so it never misses; should one
//! miss all the same, an empty element answers, and nothing panics.
//! Never: removal. What has left is marked in the element.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A key of an [`Arena`].
pub(super) trait Key: Copy + Ord {
    /// The key of the element at `place`.
    fn at(place: usize) -> Self;
    /// The place of its element.
    fn place(self) -> usize;
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) struct $name(usize);

        impl Key for $name {
            fn at(place: usize) -> Self {
                Self(place)
            }

            fn place(self) -> usize {
                self.0
            }
        }
    )+};
}

keys! {
    /// A node.
    NodeKey,
    /// A resource, or an instance of one.
    ResKey,
    /// An action.
    ActKey,
}

/// A list of `T`, found by `K`.
#[derive(Debug, Clone)]
pub(super) struct Arena<K, T> {
    items: Vec<T>,
    none: T,
    key: PhantomData<K>,
}

impl<K: Key, T: Default> Default for Arena<K, T> {
    fn default() -> Self {
        Self { items: Vec::new(), none: T::default(), key: PhantomData }
    }
}

impl<K: Key, T> Arena<K, T> {
    /// Adds an element, and returns its key.
    pub(super) fn add(&mut self, item: T) -> K {
        self.items.push(item);
        K::at(self.items.len() - 1)
    }

    /// The keys, in the order in which their elements were added.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = K> + use<K, T> {
        (0..self.items.len()).map(K::at)
    }

    /// Keys and elements.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &T)> {
        self.items.iter().enumerate().map(|(place, item)| (K::at(place), item))
    }

    /// The elements, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

impl<K: Key, T> Index<K> for Arena<K, T> {
    type Output = T;

    fn index(&self, key: K) -> &T {
        self.items.get(key.place()).unwrap_or(&self.none)
    }
}

impl<K: Key, T> IndexMut<K> for Arena<K, T> {
    fn index_mut(&mut self, key: K) -> &mut T {
        self.items.get_mut(key.place()).unwrap_or(&mut self.none)
    }
}
