-- Why a verification failed. Participations that failed before are without a reason.

ALTER TABLE participations ADD COLUMN failure_reason TEXT CHECK (failure_reason IN ('cancelled_by_tester',
    'refused_by_provider', 'assurance_too_low', 'provider_unreachable', 'provider_answer_invalid', 'misconfigured', 'other'));
