//! Configurations of other systems and of haven, from text and to text.
