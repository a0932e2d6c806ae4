// What a query can never mean, however near it is: opposites, and all that `structure.hpp` finds.
#pragma once

#include "structure.hpp"

namespace fuzzydict {

struct Particle {
    View one, other;
};
constexpr Particle PARTICLES[] = {
    {"in", "out"}, {"out", "in"}, {"on", "off"}, {"off", "on"}, {"up", "down"}, {"down", "up"},
};
constexpr View NEGATIONS[] = {"un", "in", "im", "non", "dis", "de", "mis", "anti"};
constexpr View WITHOUT = "less";
constexpr Particle PREFIXES[] = {
    {"en", "de"},     {"en", "dis"},   {"up", "down"}, {"in", "out"},    {"im", "ex"},
    {"in", "ex"},     {"in", "de"},    {"a", "de"},    {"at", "de"},     {"con", "dis"},
    {"over", "under"}, {"pre", "post"}, {"mini", "maxi"}, {"sub", "super"}, {"on", "off"},
    {"as", "des"},    {"get", "set"},
};
constexpr Particle ENDINGS[] = {
    {"start", "end"}, {"begin", "end"}, {"enter", "leave"}, {"open", "close"},  {"show", "hide"}, {"over", "out"},
    {"left", "right"}, {"top", "bottom"}, {"first", "last"}, {"before", "after"}, {"min", "max"},
};

// Call ``visit`` with the word, what it may be inflected from, and the particle that ends it.
template <class Visit> void each_form(View word, const WordTable& irregular, Visit visit) {
    visit(word, true);
    if (word.find(' ') != View::npos) return;
    each_base(word, irregular, [&](View base) {
        visit(base, true);
        return false;
    });
    size_t length = length_of(word);
    for (const Particle& particle : PARTICLES)
        if (ends_with(word, particle.one) && length >= particle.one.size() + 3) visit(particle.one, false);
}

using Hashes = std::vector<uint64_t>;

inline bool has(const Hashes& hashes, uint64_t hash) {
    return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

// Append the hashes of the opposites of a word in their base forms: ``antonyms``, and the word with a
// negating affix or without the one that it has.
inline void add_opposites(View word, const Vocabulary& vocabulary, Hashes& antonyms, Hashes& negations) {
    Hashes forms;
    size_t first_antonym = antonyms.size(), first_negation = negations.size();
    if (word == "from") antonyms.push_back(hash_of("to"));
    if (word == "to") antonyms.push_back(hash_of("from"));
    each_form(word, vocabulary.irregular, [&](View form, bool) {
        uint64_t hash = hash_of(form);
        size_t length = length_of(form);
        forms.push_back(hash);
        vocabulary.opposites().each(form, hash, [&](View other) { antonyms.push_back(hash_of(other)); });
        for (const Particle& particle : PARTICLES)
            if (form == particle.one) antonyms.push_back(hash_of(particle.other));
        for (View prefix : NEGATIONS) {
            if (length >= 3) negations.push_back(hash_of(form, hash_of(prefix)));
            if (length >= prefix.size() + 4 && starts_with(form, prefix))
                negations.push_back(hash_of(form.substr(prefix.size())));
        }
        if (length >= 3) negations.push_back(hash_of(WITHOUT, hash));
        if (length >= WITHOUT.size() + 3 && ends_with(form, WITHOUT))
            negations.push_back(hash_of(form.substr(0, form.size() - WITHOUT.size())));
        auto swap_prefix = [&](View one, View other) {
            if (length >= one.size() + 3 && starts_with(form, one))
                antonyms.push_back(hash_of(form.substr(one.size()), hash_of(other)));
        };
        for (const Particle& prefix : PREFIXES) {
            swap_prefix(prefix.one, prefix.other);
            swap_prefix(prefix.other, prefix.one);
        }
        auto swap_ending = [&](View one, View other) {
            if (length >= one.size() + 3 && ends_with(form, one))
                antonyms.push_back(hash_of(other, hash_of(form.substr(0, form.size() - one.size()))));
        };
        for (const Particle& ending : ENDINGS) {
            swap_ending(ending.one, ending.other);
            swap_ending(ending.other, ending.one);
        }
    });
    auto drop_forms = [&](Hashes& found, size_t first) {
        auto is_form = [&](uint64_t hash) { return has(forms, hash); };
        found.erase(std::remove_if(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(), is_form), found.end());
    };
    drop_forms(negations, first_negation);
    forms.insert(forms.end(), negations.begin() + static_cast<std::ptrdiff_t>(first_negation), negations.end());
    drop_forms(antonyms, first_antonym);
}

// Does a word of one text mean the opposite of a word of the other, and neither have both? A negated
// word is not the opposite of one with a negating affix.
inline bool are_opposites(const Split& query, const Split& key, const Vocabulary& vocabulary) {
    if (query.compact == key.compact) return false;
    auto terms_beside = [](const Split& text, const Split& other) {
        std::vector<View> terms;
        for (size_t i = 0; i <= text.size(); i++) {
            View term = i < text.size() ? text[i] : View(text.spaced);
            if (i == text.size() && i < 2) continue;
            if (!has_word(other, term)) terms.push_back(term);
        }
        return terms;
    };
    std::vector<View> asked = negated(query, key), held = negated(key, query);
    Hashes forms, plain;  // of all words of the key, and of those that are not negated
    for (View term : terms_beside(key, query)) {
        bool negative = holds(held, term);
        each_form(term, vocabulary.irregular, [&](View form, bool) {
            forms.push_back(hash_of(form));
            if (!negative) plain.push_back(forms.back());
        });
    }
    for (View term : terms_beside(query, key)) {
        Hashes antonyms, negations;
        add_opposites(term, vocabulary, antonyms, negations);
        for (uint64_t hash : antonyms)
            if (has(forms, hash)) return true;
        if (holds(asked, term)) continue;
        for (uint64_t hash : negations)
            if (has(plain, hash)) return true;
    }
    return false;
}

}  // namespace fuzzydict
