"""What an upstream registry holds, and how it answers: as users set it up, behind HTTP, or moto's own ECR.

Knows ``images`` and what is below, and nothing of the rules' pulls.
"""
